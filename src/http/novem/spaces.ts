/** Spaces themselves: listing, making, renaming, ending them; and what stands in a space's folder (contract §2). */
import { endSpace, makeSpace } from '../../accounts/lifecycle.js'
import type { Account } from '../../accounts/types.js'
import { callerIn } from '../../sharing/visible.js'
import { SpaceError } from '../../space/errors.js'
import type { SpaceInfo } from '../../space/operations.js'
import { quote } from '../../space/quote.js'
import { type Answer, jsonAnswer } from '../answer.js'
import type { Call, Resource } from '../call.js'
import { declaresJson, readJson, readText } from '../request-body.js'
import { idempotencyKey } from '../request-headers.js'
import { entryRights, NEW_SPACE, NOTHING, OWN_SPACE, READ, type Rights } from '../rights.js'
import { changes } from './changes.js'
import { content } from './content/index.js'
import {
  type Contents,
  changesRow,
  fixedRows,
  ownTextRow,
  rowsAnswer,
  spaceFolder,
  spaceRow,
  systemFolder,
} from './folders.js'
import { shared } from './sharing/shares.js'
import { tags } from './sharing/tags.js'
import { inSpace, ofSpace, rightsInSpace, type SpaceCall, sessionOf, uriOf } from './space-call.js'
import { fixedText, ownText, urlOf } from './texts.js'
import { usage } from './usage.js'

const CONFIG_FILES = ['config/access/ssh', 'config/access/web']

const access = spaceFolder(
  new Map([
    ['ssh', ownText('config/access/ssh')],
    ['web', ownText('config/access/web')],
  ]),
  (_call, contents) => CONFIG_FILES.map((path) => ownTextRow(contents, path)),
)
const config = spaceFolder(new Map([['access', access]]), (_call, contents) => [
  systemFolder(contents, 'config/access'),
])

const space: Resource = {
  ...spaceFolder(
    new Map([
      ['content', content],
      ['changes', changes],
      ['config', config],
      ['name', ownText('name')],
      ['summary', ownText('summary')],
      ['description', ownText('description')],
      ['url', fixedText(urlOf)],
      ['shortname', fixedText((call) => call.space.shortname)],
      ['shared', shared],
      ['usage', usage],
      ['tags', tags],
    ]),
    rowsInSpace,
  ),
  verbs: { GET: ofSpace(listSpace), PUT: createSpace, PATCH: renameSpace, DELETE: deleteSpace },
  rights: rightsToSpace,
}

/** `…/code/spaces`, of the caller or of the account in the path. */
export const spaces: Resource = {
  verbs: { GET: listSpaces },
  param: { name: 'space', resource: space },
  gated: true,
}

async function listSpaces(call: Call): Promise<Answer> {
  const owner = await ownerOf(call)
  const { deps } = call
  const { account } = sessionOf(call)
  const found = await deps.directory.visible.of(account.id, owner.name)
  const rows = await Promise.all(
    found.map(async (space) => {
      const { id, name } = space
      const caller = callerIn(space, account.id)
      const info = await visible(deps.tree.info({ space: id, caller, limits: owner.plan }))
      return info && spaceRow({ info, uri: uriOf(owner, name) }, name, spaceRights(info))
    }),
  )
  return rowsAnswer(
    rows.filter((row) => row !== undefined),
    READ,
  )
}

/** The account in the path; NOT_FOUND where there is none, or its early-access flag is off. */
async function ownerOf(call: Call): Promise<Account> {
  const { account } = sessionOf(call)
  const { user } = call.params
  if (user === undefined || user === account.name) return account
  const owner = await call.deps.directory.loadAccount(user)
  if (owner?.spacesEnabled) return owner
  throw new SpaceError('NOT_FOUND', `There is no account ${quote(user)} with spaces.`)
}

/** A space that was deleted meanwhile, or that the caller may not see, is not in the listing. */
async function visible(info: Promise<SpaceInfo>): Promise<SpaceInfo | undefined> {
  try {
    return await info
  } catch (error) {
    if (error instanceof SpaceError && error.code === 'NOT_FOUND') return undefined
    throw error
  }
}

async function listSpace(call: SpaceCall): Promise<Answer> {
  const { info, meta } = await call.deps.tree.readMeta(call.op)
  const contents = { info, meta, uri: uriOf(call.space.owner, call.space.name) }
  return rowsAnswer(rowsInSpace(call, contents), spaceRights(info))
}

function rowsInSpace(call: SpaceCall, contents: Contents) {
  const { url, shortname } = fixedRows(call, contents)
  return [
    changesRow(contents),
    systemFolder(contents, 'config'),
    systemFolder(contents, 'content', entryRights(contents.info.access, { kind: 'folder', path: '' })),
    ownTextRow(contents, 'description'),
    ownTextRow(contents, 'name'),
    systemFolder(contents, 'shared'),
    shortname,
    ownTextRow(contents, 'summary'),
    systemFolder(contents, 'tags'),
    url,
  ]
}

async function createSpace(call: Call): Promise<Answer> {
  const { account } = sessionOf(call)
  const { user, space: name = '' } = call.params
  if (user !== undefined && user !== account.name) {
    throw new SpaceError('NOT_ALLOWED', `Spaces are made in one's own account only, not in ${quote(user)}.`)
  }
  const { directory, tree } = call.deps
  const made = await makeSpace(directory, tree, account.id, name, keyOf(call))
  return jsonAnswer(201, { created: true, name, uri: uriOf(account, name), shortname: made.shortname })
}

async function renameSpace(call: Call): Promise<Answer> {
  const name = await newName(call)
  const { account, space: from } = await ownSpace(call)
  await call.deps.directory.renameSpace(account.id, from, name, keyOf(call))
  return jsonAnswer(200, { name, uri: uriOf(account, name), from })
}

async function deleteSpace(call: Call): Promise<Answer> {
  const { account, space: name } = await ownSpace(call)
  await endSpace(call.deps.directory, call.deps.tree, account.id, name, keyOf(call))
  return jsonAnswer(200, { deleted: 1 })
}

/** NOT_FOUND to somebody who may not see the other's space, else NOT_ALLOWED. */
async function ownSpace(call: Call): Promise<{ readonly account: Account; readonly space: string }> {
  const { account } = sessionOf(call)
  const { user, space: name = '' } = call.params
  if (user === undefined || user === account.name) return { account, space: name }
  return inSpace(call, async ({ deps, op }) => {
    await deps.tree.info(op)
    throw new SpaceError('NOT_ALLOWED', `Only its owner may rename or delete the space ${quote(name)}.`)
  })
}

async function newName({ req, res }: Call): Promise<string> {
  if (!declaresJson(req)) return (await readText(req, res)).trim()
  const { name, ...others } = await readJson(req, res)
  const [unknown] = Object.keys(others)
  if (unknown !== undefined)
    throw new SpaceError(
      'BAD_REQUEST',
      `The member ${quote(unknown)} of the body is not known; a rename has just "name".`,
    )
  if (typeof name !== 'string')
    throw new SpaceError('BAD_REQUEST', 'The body must have the new name of the space in "name".')
  return name
}

function keyOf({ req }: Call): { readonly idempotencyKey?: string } {
  const key = idempotencyKey(req.headers)
  return key === undefined ? {} : { idempotencyKey: key }
}

function spaceRights(info: SpaceInfo): Rights {
  return info.access.owner ? OWN_SPACE : READ
}

/** A free name in one's own account can be taken. */
async function rightsToSpace(call: Call): Promise<Rights> {
  const rights = await rightsInSpace(async ({ deps, op }) => spaceRights(await deps.tree.info(op)))(call)
  const { user } = call.params
  const isOwn = user === undefined || user === sessionOf(call).account.name
  return rights === NOTHING && isOwn ? NEW_SPACE : rights
}
