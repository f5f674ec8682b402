import { randomFillSync } from 'node:crypto'

/** Random bytes are fetched for many ids at once: one call into OpenSSL costs more than all else about an id. */
const pool = Buffer.allocUnsafeSlow(4096)
let next = pool.length

/** `bytes` random bytes, few, as lower-case hex digits. */
export function randomHex(bytes: number): string {
  if (next + bytes > pool.length) {
    randomFillSync(pool)
    next = 0
  }
  const digits = pool.toString('hex', next, next + bytes)
  next += bytes
  return digits
}
