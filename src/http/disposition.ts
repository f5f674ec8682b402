/**
 * `Content-Disposition` that has browsers save the bytes under the entry's name (RFC 6266). A name that is not plain ASCII goes
 * into `filename*` (RFC 8187), with a likeness in `filename` for clients that do not read it; so does one with a `%`, which
 * some clients decode in `filename`.
 */
export function attachment(name: string): string {
  const likeness = name.replace(/[^ -~]|["\\%]/gu, '_')
  const header = `attachment; filename="${likeness}"`
  return likeness === name ? header : `${header}; filename*=UTF-8''${extendedValue(name)}`
}

/** Everything but attr-char of RFC 8187 §3.2.1 percent-encoded, a lone surrogate as U+FFFD. */
function extendedValue(name: string): string {
  return Buffer.from(name)
    .toString('latin1')
    .replace(/[^\w!#$&+.^`|~-]/g, escapeByte)
}

function escapeByte(byte: string): string {
  return `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
}
