/**
 * `meta` of a file: JSON that an upload in two stages brings along (seed 001). It is kept as a dead property of the entry, so it
 * follows moves and copies, and WebDAV clients see it.
 */
import { SpaceError } from '../../space/errors.js'
import type { Properties, TreeOperations } from '../../space/operations.js'
import { quote } from '../../space/quote.js'
import type { Entry, OpContext } from '../../space/types.js'
import { textOf } from '../../webdav/xml/element.js'
import { escapeText } from '../../webdav/xml/escape.js'
import { parseXml } from '../../webdav/xml/parse.js'

export type Meta = Readonly<Record<string, unknown>>

const NAMESPACE = 'urn:novem-spaces'
const PROPERTY = `{${NAMESPACE}}meta`

/** It travels in a URL, and those should stay below 8 KiB. */
const MOST_BYTES = 4096

/** undefined and null mean none. BAD_REQUEST where it is not an object, or too long. */
export function parseMeta(value: unknown): Meta | undefined {
  if (value === undefined || value === null) return undefined
  const json = JSON.stringify(value)
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw new SpaceError('BAD_REQUEST', `"meta" must be a JSON object, not ${quote(json)}.`)
  }
  const bytes = Buffer.byteLength(json)
  if (bytes > MOST_BYTES) {
    throw new SpaceError('BAD_REQUEST', `"meta" has ${bytes} bytes as JSON; the limit is ${MOST_BYTES}.`)
  }
  return value as Meta
}

/** The change of properties that belongs to an upload: it replaces the file together with its meta. */
export function metaChange(meta: Meta | undefined): ReadonlyMap<string, string | null> {
  const isNone = meta === undefined || Object.keys(meta).length === 0
  const xml = isNone ? null : `<meta xmlns="${NAMESPACE}">${escapeText(JSON.stringify(meta))}</meta>`
  return new Map([[PROPERTY, xml]])
}

/** The meta of those entries that have any, by id. */
export async function metaOf(
  tree: TreeOperations,
  op: OpContext,
  entries: readonly Entry[],
): Promise<ReadonlyMap<number, Meta>> {
  const having = entries.filter(({ hasProperties }) => hasProperties)
  if (having.length === 0) return new Map()
  const properties = await tree.properties(
    op,
    having.map(({ id }) => id),
  )
  const found = new Map<number, Meta>()
  for (const [id, values] of properties) {
    const meta = read(values)
    if (meta) found.set(id, meta)
  }
  return found
}

/** WebDAV clients may have written something else into it: then it is theirs, and no meta. */
function read(properties: Properties): Meta | undefined {
  const xml = properties.get(PROPERTY)
  if (xml === undefined) return undefined
  try {
    return parseMeta(JSON.parse(textOf(parseXml(Buffer.from(xml)))))
  } catch {
    return undefined
  }
}
