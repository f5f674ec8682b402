/**
 * 64 bits of the protocol as numbers: node ids, handles, sizes, offsets and times stay far below 2⁵³. The protocol has the
 * machine's own order of bytes, and all machines that Node runs FUSE on are little-endian.
 */
const WORD = 2 ** 32

export function readLong(bytes: Buffer, at: number): number {
  return bytes.readInt32LE(at + 4) * WORD + bytes.readUInt32LE(at)
}

/** Also of what is negative. */
export function writeLong(bytes: Buffer, value: number, at: number): void {
  const high = Math.floor(value / WORD)
  bytes.writeUInt32LE(value - high * WORD, at)
  bytes.writeInt32LE(high, at + 4)
}
