import { isUtf8 } from 'node:buffer'
import { readLong } from './numbers.js'

/** `struct fuse_in_header`. */
export const HEADER_BYTES = 40

/** Stands where bytes are no UTF-8. */
const REPLACEMENT = '\uFFFD'

/** One request of the kernel. Its bytes are the device's, and others' as soon as the next request is read. */
export class KernelRequest {
  constructor(private readonly bytes: Buffer) {}

  get length(): number {
    return this.bytes.readUInt32LE(0)
  }

  get opcode(): number {
    return this.bytes.readUInt32LE(4)
  }

  /** By which it is answered. */
  get unique(): number {
    return readLong(this.bytes, 8)
  }

  get node(): number {
    return readLong(this.bytes, 16)
  }

  /** 32 bits of what follows the header, `at` bytes behind it. */
  word(at: number): number {
    return this.bytes.readUInt32LE(HEADER_BYTES + at)
  }

  long(at: number): number {
    return readLong(this.bytes, HEADER_BYTES + at)
  }

  /** All from there on. */
  data(at: number, length: number): Buffer {
    return this.bytes.subarray(HEADER_BYTES + at, HEADER_BYTES + at + length)
  }

  /** A name that ends with a zero byte. */
  name(at: number): Name {
    const start = HEADER_BYTES + at
    const end = this.bytes.indexOf(0, start)
    const text = this.bytes.toString('utf8', start, end)
    const isValid = !text.includes(REPLACEMENT) || isUtf8(this.bytes.subarray(start, end))
    return { text, isValid, next: end + 1 - HEADER_BYTES }
  }
}

export interface Name {
  readonly text: string
  /** Is it UTF-8? Otherwise `text` is another name than was asked for. */
  readonly isValid: boolean
  /** Where the next one begins. */
  readonly next: number
}
