/** `POST /gql`: one command-line client lists spaces through it; the answer is the same whatever the query (contract §2). */
import type { Account } from '../../accounts/types.js'
import { SpaceError } from '../../space/errors.js'
import { type Answer, jsonAnswer } from '../answer.js'
import type { Call, Resource } from '../call.js'
import { isoDate } from '../dates.js'
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
  const { account, caller } = sessionOf(call)
  if (!account.spacesEnabled || !owner.spacesEnabled) return []
  const found = await call.deps.directory.listSpaces(owner.id)
  const origin = call.deps.settings.publicUrl ?? `http://${call.req.headers.host ?? 'localhost'}`
  const rows = found.map(async ({ id, name, shortname }) => {
    try {
      const { info, meta } = await call.deps.tree.readMeta({ space: id, caller, limits: owner.plan })
      return {
        id: shortname,
        name,
        type: 'space',
        summary: meta.summary?.text ?? '',
        url: origin + uriOf(owner, name),
        updated: isoDate(info.modified),
        public: false,
        shared: [],
        tags: [],
        social: { views: 0 },
        topics: [],
      }
    } catch (error) {
      if (error instanceof SpaceError && error.code === 'NOT_FOUND') return undefined
      throw error
    }
  })
  return (await Promise.all(rows)).filter((row) => row !== undefined)
}
