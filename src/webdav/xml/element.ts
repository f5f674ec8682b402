/** An element of a request's body, and how it is written out again. */
import { escapeAttribute, escapeText } from './escape.js'

export interface XmlElement {
  /** Namespace; '' for none. */
  readonly uri: string
  readonly local: string
  readonly prefix: string
  /** Declarations of namespaces are among them. */
  readonly attributes: readonly XmlAttribute[]
  readonly children: readonly (XmlElement | string)[]
  /** Prefixes in scope with their namespaces; '' is the default one. */
  readonly scope: ReadonlyMap<string, string>
  /** The `xml:lang` that rules here, if any. */
  readonly lang: string | undefined
}

/** Of a declaration of the default namespace: prefix `xmlns`, no local name. */
export interface XmlAttribute {
  readonly prefix: string
  readonly local: string
  readonly value: string
}

export const DAV = 'DAV:'

/** How properties and other elements are named across namespaces: `{namespace}local`. */
export function clark({ uri, local }: Pick<XmlElement, 'uri' | 'local'>): string {
  return `{${uri}}${local}`
}

/** The parts of a name that `clark` made. A namespace may hold braces, a local name never does. */
export function unclark(name: string): Pick<XmlElement, 'uri' | 'local'> {
  const end = name.lastIndexOf('}')
  return { uri: name.slice(1, end), local: name.slice(end + 1) }
}

export function elementsOf({ children }: XmlElement): XmlElement[] {
  return children.filter((child) => typeof child !== 'string')
}

export function isDav({ uri, local }: XmlElement, name: string): boolean {
  return uri === DAV && local === name
}

/** The first child of that name in the namespace `DAV:`. */
export function davChild(element: XmlElement, name: string): XmlElement | undefined {
  return elementsOf(element).find((child) => isDav(child, name))
}

/** All text in it, however deep. */
export function textOf({ children }: XmlElement): string {
  return children.map((child) => (typeof child === 'string' ? child : textOf(child))).join('')
}

/**
 * The element by itself, with the declarations and the language it had from outside. Prefixes stay as the client chose
 * them (RFC 4918 §4.3), since text may use them too.
 */
export function toFragment(element: XmlElement): string {
  const own = attributesOf(element, false)
  const body = innerXml(element)
  const written = `${element.prefix}:${own}${body}`
  let head = `<${nameOf(element)}`
  for (const [prefix, uri] of element.scope) {
    if (prefix === '' ? uri !== '' : written.includes(`${prefix}:`)) head += declaration(prefix, uri)
  }
  if (element.lang !== undefined && !element.attributes.some(isLang)) {
    head += ` xml:lang="${escapeAttribute(element.lang)}"`
  }
  return closed(head + own, element, body)
}

/** What is in the element, for one whose namespaces are declared around it. */
export function innerXml({ children }: XmlElement): string {
  let xml = ''
  for (const child of children) {
    if (typeof child === 'string') xml += escapeText(child)
    else xml += closed(`<${nameOf(child)}${attributesOf(child, true)}`, child, innerXml(child))
  }
  return xml
}

function closed(head: string, element: XmlElement, body: string): string {
  return body === '' ? `${head}/>` : `${head}>${body}</${nameOf(element)}>`
}

function attributesOf({ attributes }: XmlElement, withDeclarations: boolean): string {
  let written = ''
  for (const attribute of attributes) {
    const { value } = attribute
    if (withDeclarations || !isDeclaration(attribute))
      written += ` ${nameOf(attribute)}="${escapeAttribute(value)}"`
  }
  return written
}

function nameOf({ prefix, local }: { readonly prefix: string; readonly local: string }): string {
  return prefix === '' || local === '' ? prefix + local : `${prefix}:${local}`
}

function declaration(prefix: string, uri: string): string {
  return ` ${prefix === '' ? 'xmlns' : `xmlns:${prefix}`}="${escapeAttribute(uri)}"`
}

function isDeclaration({ prefix }: XmlAttribute): boolean {
  return prefix === 'xmlns'
}

function isLang({ prefix, local }: XmlAttribute): boolean {
  return prefix === 'xml' && local === 'lang'
}
