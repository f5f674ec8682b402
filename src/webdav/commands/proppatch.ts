/** PROPPATCH (RFC 4918 §9.2): all of it or nothing. */
import type { Answer } from '../../http/answer.js'
import { parseHttpDate } from '../../http/dates.js'
import { parseConditions } from '../../http/etags.js'
import { SpaceError } from '../../space/errors.js'
import type { Attributes, PropertyChange } from '../../space/operations.js'
import type { EntryCall } from '../call.js'
import { conditionXml } from '../errors.js'
import { APACHE, LIVE, MICROSOFT } from '../properties/live.js'
import { emptyElement } from '../properties/render.js'
import { readXmlBody } from '../xml/body.js'
import { clark, davChild, elementsOf, isDav, textOf, toFragment, type XmlElement } from '../xml/element.js'
import { CLOSE, multistatus, OPEN, propstat, response } from '../xml/multistatus.js'
import { parseXml } from '../xml/parse.js'

/** One instruction of the body; later ones win over earlier ones. */
interface Instruction {
  readonly name: string
  /** The element to set; absent: to be removed. */
  readonly element?: XmlElement
  readonly empty: string
}

export async function proppatch(call: EntryCall): Promise<Answer> {
  const { req, res, deps, op, at, guard } = call
  const instructions = parse(await readXmlBody(req, res))
  const refused = instructions.filter((instruction) => changeOf(instruction) === undefined)
  if (refused.length > 0) {
    // A refusal is about an entry that is there and that the caller may change.
    const { entry } = await deps.tree.stat(op, at)
    return answer(call, entry.kind, refusal(instructions, refused))
  }
  const change = merge(instructions)
  const conditions = { ...guard, ...parseConditions(req.headers) }
  const { entry } = await deps.tree.changeProperties(op, at, change, conditions)
  return answer(call, entry.kind, propstat(200, namesOf(instructions)))
}

function answer({ target }: EntryCall, kind: 'file' | 'folder', propstats: string): Answer {
  const href = kind === 'folder' ? `${target.href}/` : target.href
  return multistatus(OPEN + response(href, propstats) + CLOSE)
}

/** Nothing was changed: some may not be (403), the others therefore were not (424). */
function refusal(all: readonly Instruction[], refused: readonly Instruction[]): string {
  const others = all.filter((instruction) => !refused.includes(instruction))
  const forbidden = propstat(403, namesOf(refused), conditionXml('cannot-modify-protected-property'))
  return others.length === 0 ? forbidden : forbidden + propstat(424, namesOf(others))
}

function namesOf(instructions: readonly Instruction[]): string {
  return [...new Set(instructions.map(({ empty }) => empty))].join('')
}

function parse(body: Buffer): Instruction[] {
  const root = parseXml(body)
  if (!isDav(root, 'propertyupdate')) throw malformed('its root must be DAV:propertyupdate')
  const instructions = elementsOf(root).flatMap((step): Instruction[] => {
    const isSet = isDav(step, 'set')
    if (!isSet && !isDav(step, 'remove')) return []
    const properties = davChild(step, 'prop')
    if (!properties) throw malformed('a DAV:set or DAV:remove has no DAV:prop')
    return elementsOf(properties).map((element) => {
      // `xml:lang` may stand on the prop around it (§4.3).
      const { uri, local } = element
      return { name: clark(element), empty: emptyElement({ uri, local }), ...(isSet && { element }) }
    })
  })
  if (instructions.length === 0) throw malformed('it sets and removes nothing')
  return instructions
}

function merge(instructions: readonly Instruction[]): PropertyChange {
  const set = new Map<string, string | null>()
  let attributes: Attributes = {}
  for (const instruction of instructions) {
    const change = changeOf(instruction)
    if (typeof change === 'object') attributes = { ...attributes, ...change }
    else set.set(instruction.name, change === '' ? null : (change ?? null))
  }
  return { ...attributes, set }
}

/** The XML to keep ('' to remove it), or what it means for the entry itself; undefined where it may not be changed. */
function changeOf({ name, element }: Instruction): string | Attributes | undefined {
  if (name === `{${MICROSOFT}}Win32LastModifiedTime`) {
    // Windows sets it after every copy; what it is later is what the file's time is.
    const time = element && parseHttpDate(textOf(element))
    return time !== undefined && time >= 0 ? { modified: time } : undefined
  }
  if (name === `{${APACHE}}executable`) {
    const flag = element && textOf(element).trim()
    return flag === 'T' || flag === 'F' ? { executable: flag === 'T' } : undefined
  }
  if (LIVE.has(name)) return undefined
  return element ? toFragment(element) : ''
}

function malformed(why: string): SpaceError {
  return new SpaceError('BAD_REQUEST', `The body of the PROPPATCH is refused: ${why}.`)
}
