/**
 * Reads XML from strangers: nothing is fetched or expanded, size, number and depth of elements are bounded, and what a
 * namespace-aware parser must refuse is refused (RFC 4918 §8.2, §17.6, §20.6).
 */
import sax from 'sax'
import { SpaceError } from '../../space/errors.js'
import { quote } from '../../space/quote.js'
import { clark, type XmlAttribute, type XmlElement } from './element.js'

const MOST_ELEMENTS = 2000
const MOST_LEVELS = 100
/** The parser compares every attribute of a tag with those before it. */
const MOST_TAG_CHARACTERS = 16 * 1024
const SLICE = 4096

const NO_SCOPE: XmlElement['scope'] = new Map()

/** Not allowed in XML 1.0 (§2.2), however they are written. */
const FORBIDDEN = /(?![\t\n\r\u0080-\u009f])\p{Cc}|[\ufffe\uffff]|\p{Cs}/u

interface OpenElement extends XmlElement {
  readonly children: (XmlElement | string)[]
}

/** The root element. BAD_REQUEST, saying why, where the body is not XML that we take. */
export function parseXml(bytes: Buffer): XmlElement {
  const text = decode(bytes)
  const parser = sax.parser(true, { xmlns: true, strictEntities: true } as sax.SAXOptions)
  const open: OpenElement[] = []
  let attributes: XmlAttribute[] = []
  let root: XmlElement | undefined
  let count = 0
  let tagFrom: number | undefined
  const addText = (piece: string) => {
    open.at(-1)?.children.push(allowed(piece))
  }
  parser.onerror = (error) => {
    throw malformed(error.message.split('\n', 1)[0] ?? '')
  }
  parser.ondoctype = () => {
    throw malformed('it has a document type declaration, which is not accepted')
  }
  parser.onopentagstart = () => {
    tagFrom = parser.position
    if (++count > MOST_ELEMENTS) throw malformed(`it has more than ${MOST_ELEMENTS} elements`)
    if (root && open.length === 0) throw malformed('it has more than one root element')
    if (open.length >= MOST_LEVELS) throw malformed(`its elements nest more than ${MOST_LEVELS} deep`)
  }
  parser.onattribute = (attribute) => {
    const { prefix, local, value } = attribute as sax.QualifiedAttribute
    attributes.push({ prefix, local, value: allowed(value) })
  }
  parser.onopentag = (tag) => {
    const element = openElement(tag as sax.QualifiedTag, attributes, open.at(-1))
    tagFrom = undefined
    attributes = []
    open.at(-1)?.children.push(element)
    open.push(element)
    root ??= element
  }
  parser.onclosetag = () => open.pop()
  parser.ontext = addText
  parser.oncdata = addText
  for (let at = 0; at < text.length; at += SLICE) {
    parser.write(text.slice(at, at + SLICE))
    if (tagFrom !== undefined && parser.position - tagFrom > MOST_TAG_CHARACTERS) {
      throw malformed(`one of its tags is longer than ${MOST_TAG_CHARACTERS} characters`)
    }
  }
  parser.close()
  if (!root) throw malformed('it has no element')
  return root
}

/** Prefixes are resolved here: the parser takes names such as "toString" for prefixes that are bound. */
function openElement(
  { prefix, local }: sax.QualifiedTag,
  attributes: readonly XmlAttribute[],
  parent: XmlElement | undefined,
): OpenElement {
  const declared = attributes.filter((attribute) => attribute.prefix === 'xmlns')
  for (const { local: bound, value } of declared) {
    // Namespaces in XML 1.0 §2.2: only the default namespace can be undeclared.
    if (bound !== '' && value === '') throw malformed(`it binds the prefix ${quote(bound)} to nothing`)
  }
  const outer = parent?.scope ?? NO_SCOPE
  const scope =
    declared.length === 0
      ? outer
      : new Map([...outer, ...declared.map((one) => [one.local, one.value] as const)])
  const seen = new Set<string>()
  for (const attribute of attributes) {
    const space = attribute.prefix === '' ? '' : resolve(attribute.prefix, scope)
    const name = clark({ uri: space, local: attribute.local })
    if (seen.has(name)) throw malformed(`the attribute ${quote(attribute.local)} stands twice in one tag`)
    seen.add(name)
  }
  const lang = attributes.find((attribute) => attribute.prefix === 'xml' && attribute.local === 'lang')
  return {
    uri: resolve(prefix, scope),
    local,
    prefix,
    attributes,
    children: [],
    scope,
    lang: lang?.value ?? parent?.lang,
  }
}

function resolve(prefix: string, scope: XmlElement['scope']): string {
  if (prefix === 'xml' || prefix === 'xmlns') return prefix
  const uri = scope.get(prefix)
  if (uri === undefined && prefix !== '') throw malformed(`the prefix ${quote(prefix)} is not bound`)
  return uri ?? ''
}

function allowed(text: string): string {
  if (FORBIDDEN.test(text)) throw malformed('it holds a character that XML does not allow')
  return text
}

/** UTF-8, or UTF-16 with its mark, as every XML processor must read (RFC 4918 §8.2). */
function decode(bytes: Buffer): string {
  const encoding =
    bytes[0] === 0xff && bytes[1] === 0xfe
      ? 'utf-16le'
      : bytes[0] === 0xfe && bytes[1] === 0xff
        ? 'utf-16be'
        : 'utf-8'
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes)
  } catch (cause) {
    throw malformed('it is not text in UTF-8 or UTF-16', cause)
  }
}

function malformed(why: string, cause?: unknown): SpaceError {
  return new SpaceError('BAD_REQUEST', `The XML body is refused: ${why}.`, {}, { cause })
}
