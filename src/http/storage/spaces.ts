/**
 * Spaces as storage clients see them (contract §7): the id is the shortname, which never changes; `alias` is the name in URLs and
 * mounts, `name` the title shown to people.
 */
import { randomBytes } from 'node:crypto'
import { endSpace, makeSpace } from '../../accounts/lifecycle.js'
import { resourceNameFrom } from '../../accounts/names.js'
import { callerIn, type VisibleSpace } from '../../sharing/visible.js'
import { SpaceError } from '../../space/errors.js'
import type { MetaValue, SpaceInfo } from '../../space/operations.js'
import { quote } from '../../space/quote.js'
import type { OpContext } from '../../space/types.js'
import { type Answer, jsonAnswer } from '../answer.js'
import type { Call } from '../call.js'
import { type SpaceCall, sessionOf } from '../novem/space-call.js'
import { readJson } from '../request-body.js'
import { idempotencyKey } from '../request-headers.js'
import { isMissingSpace } from '../space-op.js'
import { wholeNumber } from '../target.js'
import { type Meta, parseMeta } from './meta.js'

/** What a space calls itself, in its small texts. */
const TEXTS = { name: 'name', description: 'description', meta: 'storage/meta' } as const
const MOST_ITEMS = 1000

/** Own spaces and those shared with the caller, newest first: `?order=asc|desc&take=&cursor=`. */
export async function listSpaces(call: Call): Promise<Answer> {
  const { account } = sessionOf(call)
  const { visible } = call.deps.directory
  const all = [...(await visible.of(account.id, account.name)), ...(await visible.shared(account.id))]
  const spaces = page(all, call.query)
  const items = await Promise.all(spaces.map((space) => itemOf(call, space)))
  const found = items.filter((item) => item !== undefined)
  // Whoever asks on from the last one gets none, and with them no cursor.
  return jsonAnswer(200, { items: found, cursor: spaces.at(-1)?.shortname ?? '' })
}

function page(all: readonly VisibleSpace[], query: ReadonlyMap<string, string>): VisibleSpace[] {
  const order = query.get('order') ?? 'desc'
  if (order !== 'asc' && order !== 'desc') {
    throw new SpaceError(
      'BAD_REQUEST',
      `The query parameter order must be "asc" or "desc", not ${quote(order)}.`,
    )
  }
  const take = wholeNumber(query, 'take', { least: 1, most: MOST_ITEMS }) ?? MOST_ITEMS
  const sorted = [...all].sort((a, b) => a.created - b.created || (a.shortname < b.shortname ? -1 : 1))
  if (order === 'desc') sorted.reverse()
  const cursor = query.get('cursor') ?? ''
  const from = cursor === '' ? 0 : sorted.findIndex(({ shortname }) => shortname === cursor) + 1
  if (cursor !== '' && from === 0) {
    throw new SpaceError(
      'BAD_REQUEST',
      `The cursor ${quote(cursor)} is not the id of a space in this listing.`,
    )
  }
  return sorted.slice(from, from + take)
}

/** undefined where it went, or the caller's access to it, meanwhile. */
async function itemOf(call: Call, space: VisibleSpace) {
  const { account } = sessionOf(call)
  const op = { space: space.id, caller: callerIn(space, account.id), limits: account.plan }
  try {
    const { info, meta } = await call.deps.tree.readMeta(op)
    return item(space.shortname, space.name, space.owner, info, meta)
  } catch (error) {
    if (isMissingSpace(error)) return undefined
    throw error
  }
}

export async function fetchSpace({ deps, op, space }: SpaceCall): Promise<Answer> {
  const { info, meta } = await deps.tree.readMeta(op)
  return jsonAnswer(200, item(space.shortname, space.name, space.owner.name, info, meta))
}

function item(
  id: string,
  alias: string,
  owner: string,
  { created, modified }: SpaceInfo,
  texts: Readonly<Record<string, MetaValue>>,
) {
  const meta = texts[TEXTS.meta]?.text
  return {
    id,
    name: texts[TEXTS.name]?.text || alias,
    description: texts[TEXTS.description]?.text ?? '',
    ...(meta !== undefined && { meta: JSON.parse(meta) as Meta }),
    createdAt: created,
    updatedAt: modified,
    alias,
    owner,
  }
}

interface Described {
  readonly alias?: string
  readonly name?: string
  readonly description?: string
  readonly meta?: Meta
}

/** The alias, where none is given, comes from the name. EXISTS, BAD_NAME, TOO_MANY_SPACES. */
export async function createSpace(call: Call): Promise<Answer> {
  const described = await readDescribed(call)
  const { account, caller } = sessionOf(call)
  const { directory, tree } = call.deps
  const { alias = resourceNameFrom(described.name ?? '') || `space-${randomBytes(4).toString('hex')}` } =
    described
  const made = await makeSpace(directory, tree, account.id, alias, keyOf(call))
  await writeTexts(call, { space: made.id, caller, limits: account.plan }, alias, described)
  return jsonAnswer(200, { id: made.shortname })
}

/** Only what the body names changes. */
export async function updateSpace(call: SpaceCall): Promise<Answer> {
  const described = await readDescribed(call)
  const { deps, op, space } = call
  await ownerOnly(call)
  const { alias = space.name } = described
  if (alias !== space.name) await deps.directory.renameSpace(space.owner.id, space.name, alias, keyOf(call))
  await writeTexts(call, op, alias, described)
  return jsonAnswer(200, { id: space.shortname })
}

export async function deleteSpace(call: SpaceCall): Promise<Answer> {
  const { deps, space } = call
  await ownerOnly(call)
  await endSpace(deps.directory, deps.tree, space.owner.id, space.name, keyOf(call))
  return jsonAnswer(200, { id: space.shortname })
}

/** NOT_FOUND to whoever may not see it, else NOT_ALLOWED. */
async function ownerOnly({ deps, op, space }: SpaceCall): Promise<void> {
  const { access } = await deps.tree.info(op)
  if (access.owner) return
  throw new SpaceError('NOT_ALLOWED', `Only its owner may change or delete the space ${quote(space.name)}.`)
}

async function writeTexts(
  { deps: { tree } }: Call,
  op: OpContext,
  alias: string,
  { name, description, meta }: Described,
): Promise<void> {
  // What the alias says already need not be kept twice.
  if (name !== undefined) await tree.writeMeta(op, TEXTS.name, name === alias ? null : name)
  if (description !== undefined) await tree.writeMeta(op, TEXTS.description, description)
  if (meta !== undefined) await tree.writeMeta(op, TEXTS.meta, JSON.stringify(meta))
}

async function readDescribed({ req, res }: Call): Promise<Described> {
  const { alias, name, description, meta, ...others } = await readJson(req, res)
  const [unknown] = Object.keys(others)
  if (unknown !== undefined) {
    throw new SpaceError(
      'BAD_REQUEST',
      `The member ${quote(unknown)} of the body is not known; a space has "alias", "name", "description" and "meta".`,
    )
  }
  const texts = { alias, name, description }
  for (const [member, value] of Object.entries(texts)) {
    if (value === undefined || typeof value === 'string') continue
    throw new SpaceError(
      'BAD_REQUEST',
      `"${member}" in the body must be a string, not ${quote(JSON.stringify(value))}.`,
    )
  }
  const parsed = parseMeta(meta)
  return { ...(texts as Described), ...(parsed && { meta: parsed }) }
}

function keyOf({ req }: Call): { readonly idempotencyKey?: string } {
  const key = idempotencyKey(req.headers)
  return key === undefined ? {} : { idempotencyKey: key }
}
