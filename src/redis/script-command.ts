import { Command } from 'ioredis'
import type { ScriptArg } from './scripts.js'

/**
 * `EVALSHA` as it goes over the wire, encoded in one pass into shared memory. ioredis' own encoding walks mixed arguments
 * three times and makes a buffer of each; for a write's two dozen it was a third of what the whole call cost.
 */
export class ScriptCommand extends Command {
  readonly #encoded: Buffer

  /** `head`: the command up to the number of keys, see `scriptHead`; `word` is its hash or its text. */
  constructor(head: ScriptHead, keys: readonly string[], args: readonly ScriptArg[]) {
    // The keys say which node of a cluster is meant; the rest is ioredis' business only in error messages.
    super(head.name, [], { replyEncoding: null })
    this.args = [head.word, keys.length, ...keys]
    this.#encoded = encode(head, keys, args)
  }

  override toWritable(): Buffer {
    return this.#encoded
  }
}

/** `EVALSHA <hash>` or `EVAL <text>`. */
export interface ScriptHead {
  readonly name: 'evalsha' | 'eval'
  readonly word: string
  /** A character a byte. */
  readonly encoded: string
}

export function scriptHead(name: 'evalsha' | 'eval', word: string): ScriptHead {
  const encoded = bulk(name) + bulk(word)
  return { name, word, encoded }
}

const SLAB = 64 * 1024
/** What takes more than one byte in UTF-8. */
const WIDE = /[\u0080-\uffff]/
let slab = Buffer.allocUnsafeSlow(SLAB)
let free = 0

/** As one string with a character for each byte, which the engine joins and writes faster than anything piece by piece. */
function encode(head: ScriptHead, keys: readonly string[], args: readonly ScriptArg[]): Buffer {
  let bytes = `*${3 + keys.length + args.length}\r\n${head.encoded}${bulk(String(keys.length))}`
  for (const key of keys) bytes += bulk(key)
  for (const arg of args) bytes += bulk(typeof arg === 'number' ? String(arg) : arg)
  const { length } = bytes
  if (length > SLAB - free) {
    // What was handed out keeps the old slab for as long as it is needed.
    slab = Buffer.allocUnsafeSlow(Math.max(SLAB, length))
    free = 0
  }
  const start = free
  free += slab.write(bytes, start, 'latin1')
  return slab.subarray(start, free)
}

function bulk(arg: string | Buffer): string {
  if (typeof arg === 'string' && !WIDE.test(arg)) return `$${arg.length}\r\n${arg}\r\n`
  const bytes = typeof arg === 'string' ? Buffer.from(arg) : arg
  return `$${bytes.length}\r\n${bytes.toString('latin1')}\r\n`
}
