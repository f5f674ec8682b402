/** Text as it goes into XML, and names as they go into the `href`s of a multistatus. */

const SPECIAL = /[&<>"\r\t\n]/
const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\r': '&#13;',
}

/** Between tags. A bare carriage return would be read as a line feed (XML 1.0 §2.11). */
export function escapeText(text: string): string {
  return SPECIAL.test(text) ? text.replace(/[&<>\r]/g, (character) => ESCAPES[character] ?? character) : text
}

/** Within double quotes; white space survives the normalisation of attribute values (XML 1.0 §3.3.3). */
export function escapeAttribute(text: string): string {
  if (!SPECIAL.test(text)) return text
  return text.replace(/[&<>"\r\t\n]/g, (character) => ESCAPES[character] ?? `&#${character.charCodeAt(0)};`)
}

/** One segment of a path, with everything but RFC 3986's unreserved characters percent-encoded. */
export function encodeSegment(name: string): string {
  if (/^[\w.~-]*$/.test(name)) return name
  return encodeURIComponent(name).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

/** A slash-separated path, each segment as `encodeSegment` writes it. */
export function encodePath(path: string): string {
  return /^[\w.~/-]*$/.test(path) ? path : path.split('/').map(encodeSegment).join('/')
}

/** The name of a space as the first segment: `@` may stand in a path, and some clients compare hrefs as they are. */
export function encodeSpace(name: string): string {
  return /^[\w.~@-]*$/.test(name) ? name : encodeSegment(name)
}
