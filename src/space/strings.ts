const ABSENT = 0xc2

/** Bytes `start` up to `end` of `bytes`. A Buffer for each entry of a long listing would take longer than reading them. */
export interface Slice {
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
}

/**
 * Long lists of byte strings, as scripts pack them by `cmsgpack.pack`: one reply that is taken apart here in a third of the time
 * that the client library needs for as many replies. The subset of MessagePack that Redis' packer makes of such lists; what is not
 * there (Lua's `false`) is an empty string.
 */
export function unpackStrings(packed: Buffer): Slice[] {
  const { count, at: first } = listHead(packed)
  const strings: Slice[] = new Array(count)
  let at = first
  for (let index = 0; index < count; index++) {
    const kind = packed[at++] as number
    let length = 0
    if (kind >= 0xa0 && kind <= 0xbf) length = kind & 0x1f
    else if (kind === 0xd9) length = packed[at++] as number
    else if (kind === 0xda) {
      length = packed.readUInt16BE(at)
      at += 2
    } else if (kind === 0xdb) {
      length = packed.readUInt32BE(at)
      at += 4
    } else if (kind !== ABSENT)
      throw new Error(`Byte ${at - 1} of a packed list is ${kind}, which begins no string.`)
    strings[index] = { bytes: packed, start: at, end: at + length }
    at += length
  }
  return strings
}

export function textOf({ bytes, start, end }: Slice): string {
  return bytes.toString('utf8', start, end)
}

/** As `Buffer.compare`. */
export function compareSlices(a: Slice, b: Slice): number {
  return a.bytes.compare(b.bytes, b.start, b.end, a.start, a.end)
}

function listHead(packed: Buffer): { readonly count: number; readonly at: number } {
  const kind = packed[0] as number
  if (kind >= 0x90 && kind <= 0x9f) return { count: kind & 0x0f, at: 1 }
  if (kind === 0xdc) return { count: packed.readUInt16BE(1), at: 3 }
  if (kind === 0xdd) return { count: packed.readUInt32BE(1), at: 5 }
  // Lua cannot tell an empty list from an empty map.
  if (kind === 0x80) return { count: 0, at: 1 }
  throw new Error(`A packed list begins with ${kind}, which begins no list.`)
}
