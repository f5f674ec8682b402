/** `POST /gql`: one command-line client lists spaces through it; the answer is the same whatever the query (contract §2). */
import type { Account } from '../../accounts/types.js'
import type { Share } from '../../sharing/shares.js'
import { callerIn, type VisibleSpace } from '../../sharing/visible.js'
import { SpaceError } from '../../space/errors.js'
import { type Answer, jsonAnswer } from '../answer.js'
import type { Call, Resource } from '../call.js'
import { isoDate } from '../dates.js'
import { originOf } from '../origin.js'
import { readJson } from '../request-body.js'
import { sessionOf, uriOf } from './space-call.js'

export const gql: Resource = { verbs: { POST: listByQuery } }

async function listByQuery(call: Call): Promise<Answer> {
  const { variables } = await readJson(call.req, call.res)
  const author =
    typeof variables === 'object' && variables !== null && 'author' in variables
      ? variables.author
      : undefined
  const { account } = sessionOf(call)
  if (typeof author !== 'string' || author === account.name) {
    const spaces = await spacesOf(call, account)
    return jsonAnswer(200, {
      data: author === undefined ? { me: { username: account.name, spaces } } : { spaces },
    })
  }
  const other = await call.deps.directory.loadAccount(author)
  return jsonAnswer(200, { data: { spaces: other ? await spacesOf(call, other) : [] } })
}

/** Those that the caller may see; none without the early-access flag, the caller's or the owner's. */
async function spacesOf(call: Call, owner: Account): Promise<readonly unknown[]> {
  const { account } = sessionOf(call)
  if (!account.spacesEnabled || !owner.spacesEnabled) return []
  const found = await call.deps.directory.visible.of(account.id, owner.name)
  const rows = await Promise.all(found.map((space) => spaceOf(call, owner, space)))
  return rows.filter((row) => row !== undefined)
}

/** undefined where the space, or the caller's access to it, went meanwhile. */
async function spaceOf(call: Call, owner: Account, space: VisibleSpace): Promise<unknown> {
  const { deps } = call
  const { account } = sessionOf(call)
  const origin = originOf(deps, call.req)
  const op = { space: space.id, caller: callerIn(space, account.id), limits: owner.plan }
  try {
    const [{ info, meta }, shares, tags] = await Promise.all([
      deps.tree.readMeta(op),
      deps.directory.shares.list(account.id, space.id),
      deps.directory.tags.list(account.id, space.id),
    ])
    return {
      id: space.shortname,
      name: space.name,
      type: 'space',
      summary: meta.summary?.text ?? '',
      url: origin + uriOf(owner, space.name),
      updated: isoDate(info.modified),
      public: shares.some(({ group }) => group === 'public'),
      shared: shares
        .filter(({ group }) => group !== 'public')
        .map(({ name, group }) => ({ id: name, name, type: typeOf(group) })),
      tags: tags.map(({ name }) => ({ id: name, name, type: 'tag' })),
      social: { views: 0 },
      topics: [],
    }
  } catch (error) {
    if (error instanceof SpaceError && error.code === 'NOT_FOUND') return undefined
    throw error
  }
}

function typeOf(group: Share['group']): string {
  if (group === 'public') return 'public'
  return group.kind === '@' ? 'user_group' : 'org_group'
}
