/** Moving and renaming: PATCH in its forms, and POST with `X-NVM-Op: move` (seed 002, "Moves"). */
import { SpaceError } from '../../../space/errors.js'
import { checkName, foldName, parsePath, parseRawPath } from '../../../space/names.js'
import type { Attributes } from '../../../space/operations.js'
import { quote } from '../../../space/quote.js'
import type { Location, SpacePath } from '../../../space/types.js'
import { type Answer, jsonAnswer } from '../../answer.js'
import { parseMtime, parseTime } from '../../dates.js'
import { parseConditions, quoted } from '../../etags.js'
import { declaresJson, readJson, readText } from '../../request-body.js'
import { storable } from '../../write-headers.js'
import { metadata } from '../metadata.js'
import type { SpaceCall } from '../space-call.js'
import { changeHeaders, placeOf } from './place.js'
import { writeContent } from './write.js'

export async function patchContent(call: SpaceCall): Promise<Answer> {
  const from = placeOf(call)
  if (!declaresJson(call.req)) {
    const name = (await readText(call.req, call.res)).replace(/\r?\n$/, '')
    return moveContent(call, from, await sibling(call, from, name))
  }
  const patch = parsePatch(await readJson(call.req, call.res))
  switch (patch.kind) {
    case 'name':
      return moveContent(call, from, await sibling(call, from, patch.name))
    case 'to':
      return moveContent(call, from, patch.to)
    case 'attributes':
      return setAttributes(call, from, patch.attributes)
  }
}

export async function postContent(call: SpaceCall): Promise<Answer> {
  const at = placeOf(call)
  const { 'x-nvm-op': op, 'x-nvm-destination': destination } = call.req.headers
  if (op === undefined) return writeContent(call, at)
  if (String(op).trim().toLowerCase() !== 'move') {
    throw new SpaceError('BAD_REQUEST', `The header X-NVM-Op must be "move", not ${quote(String(op))}.`)
  }
  if (destination === undefined) {
    throw new SpaceError(
      'BAD_REQUEST',
      'X-NVM-Op: move needs the header X-NVM-Destination, which is missing.',
    )
  }
  return moveContent(call, at, {
    path: somewhere(parseRawPath(String(destination)), 'The header X-NVM-Destination'),
  })
}

async function moveContent(call: SpaceCall, from: Location, to: Location): Promise<Answer> {
  const moved = await call.deps.tree.move(call.op, from, to, parseConditions(call.req.headers))
  const { entry, replaced, mark } = moved
  const headers = ['ETag', quoted(entry.etag), ...changeHeaders(call, mark)]
  return jsonAnswer(200, { ...metadata(entry, !replaced), from: moved.from }, headers)
}

async function setAttributes(call: SpaceCall, at: Location, attributes: Attributes): Promise<Answer> {
  const conditions = parseConditions(call.req.headers)
  const { entry, mark } = await call.deps.tree.setAttributes(call.op, at, attributes, conditions)
  const headers = ['ETag', quoted(entry.etag), ...changeHeaders(call, mark)]
  return jsonAnswer(200, metadata(entry, false), headers)
}

/** The same folder, another name. A folder addressed by its id alone is looked up first. */
async function sibling(call: SpaceCall, from: Location, name: string): Promise<Location> {
  const renamed = checkName(name)
  if (from.path.names.length > 0) return { ...from, path: withName(from.path, renamed) }
  if (from.base === undefined) {
    throw new SpaceError('NOT_ALLOWED', 'The root of a space cannot be moved, changed or deleted.')
  }
  const { entry } = await call.deps.tree.stat(call.op, from)
  return { path: withName(parsePath(entry.path), renamed) }
}

function withName({ names, folded }: SpacePath, name: string): SpacePath {
  return { names: [...names.slice(0, -1), name], folded: [...folded.slice(0, -1), foldName(name)] }
}

type Patch =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'to'; readonly to: Location }
  | { readonly kind: 'attributes'; readonly attributes: Attributes }

/** Exactly one of `name`, `to` (perhaps with `to_base`), or attributes. BAD_REQUEST, naming what is wrong. */
function parsePatch(body: Readonly<Record<string, unknown>>): Patch {
  const { name, to, to_base: base, last_modified: modified, executable, ...others } = body
  const [unknown] = Object.keys(others)
  if (unknown !== undefined) throw malformed(`the member ${quote(unknown)} is not known`)
  const kinds = [name, to, modified ?? executable].filter((value) => value !== undefined)
  if (kinds.length !== 1) {
    throw malformed('it must have exactly one of "name", "to", or "last_modified" and "executable"')
  }
  if (base !== undefined && to === undefined) throw malformed('"to_base" goes with "to"')
  if (name !== undefined) return { kind: 'name', name: string('name', name) }
  if (to !== undefined) {
    const path = somewhere(parsePath(string('to', to)), '"to"')
    return { kind: 'to', to: base === undefined ? { path } : { path, base: folderId(base) } }
  }
  return {
    kind: 'attributes',
    attributes: {
      ...(modified !== undefined && { modified: time(modified) }),
      ...(executable !== undefined && { executable: boolean('executable', executable) }),
    },
  }
}

/** A destination names an entry, never the root. */
function somewhere(path: SpacePath, what: string): SpacePath {
  if (path.names.length > 0) return path
  throw new SpaceError('BAD_REQUEST', `${what} names no destination: it is empty.`)
}

function folderId(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw malformed(`"to_base" must be the id of a folder, not ${quote(JSON.stringify(value))}`)
}

function time(value: unknown): number {
  const parsed =
    typeof value === 'number'
      ? parseMtime('"last_modified"', String(value))
      : parseTime('"last_modified"', string('last_modified', value))
  return storable('"last_modified"', parsed)
}

function string(member: string, value: unknown): string {
  if (typeof value === 'string') return value
  throw malformed(`"${member}" must be a string, not ${quote(JSON.stringify(value))}`)
}

function boolean(member: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value
  throw malformed(`"${member}" must be true or false, not ${quote(JSON.stringify(value))}`)
}

function malformed(why: string): SpaceError {
  return new SpaceError('BAD_REQUEST', `The body of the PATCH is refused: ${why}.`)
}
