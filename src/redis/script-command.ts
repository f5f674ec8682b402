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
    super(head.name, [head.word, keys.length, ...keys], { replyEncoding: null })
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
  readonly encoded: Buffer
}

export function scriptHead(name: 'evalsha' | 'eval', word: string): ScriptHead {
  const encoded = Buffer.from(`$${name.length}\r\n${name}\r\n$${Buffer.byteLength(word)}\r\n${word}\r\n`)
  return { name, word, encoded }
}

const SLAB = 64 * 1024
/** Longer strings are left to the engine's own encoder. */
const SHORT = 64
/** `$`, up to ten digits, and two line ends. */
const FRAME = 16
let slab = Buffer.allocUnsafeSlow(SLAB)
let free = 0

function encode(head: ScriptHead, keys: readonly string[], args: readonly ScriptArg[]): Buffer {
  let bound = 3 * FRAME + head.encoded.length
  for (const key of keys) bound += FRAME + 3 * key.length
  for (const arg of args) bound += FRAME + (typeof arg === 'number' ? 24 : 3 * arg.length)
  if (bound > SLAB - free) {
    // What was handed out keeps the old slab for as long as it is needed.
    slab = Buffer.allocUnsafeSlow(Math.max(SLAB, bound))
    free = 0
  }
  const start = free
  free = writeText(`*${3 + keys.length + args.length}\r\n`, free)
  free += head.encoded.copy(slab, free)
  writeString(String(keys.length))
  for (const key of keys) writeString(key)
  for (const arg of args) {
    if (typeof arg === 'string') writeString(arg)
    else if (typeof arg === 'number') writeString(String(arg))
    else writeBytes(arg)
  }
  return slab.subarray(start, free)
}

function writeString(text: string): void {
  const start = free
  if (text.length <= SHORT) {
    free = writeText(`$${text.length}\r\n`, start)
    let at = free
    let index = 0
    for (; index < text.length; index++) {
      const code = text.charCodeAt(index)
      if (code > 127) break
      slab[at++] = code
    }
    if (index === text.length) {
      free = endLine(at)
      return
    }
  }
  free = writeText(`$${Buffer.byteLength(text)}\r\n`, start)
  free = endLine(free + slab.write(text, free))
}

function writeBytes(bytes: Buffer): void {
  free = writeText(`$${bytes.length}\r\n`, free)
  free = endLine(free + bytes.copy(slab, free))
}

/** ASCII. */
function writeText(text: string, from: number): number {
  let at = from
  for (let index = 0; index < text.length; index++) slab[at++] = text.charCodeAt(index)
  return at
}

function endLine(at: number): number {
  slab[at] = 13
  slab[at + 1] = 10
  return at + 2
}
