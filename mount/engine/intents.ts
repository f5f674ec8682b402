/**
 * The log of what a write-back mount still has to send: what `close()` acknowledged is written down here first, so that
 * the next mount sends it when this one dies. A line is one JSON object; a torn last line is no line.
 */
import { closeSync, existsSync, fstatSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs'

/** A file's bytes, waiting in a work file. */
export interface Intent {
  /** Sending keeps this order where order matters. */
  readonly n: number
  /** Id of the folder, and the name in it. */
  readonly base: number
  readonly name: string
  /** Where that was, for people and for when the folder is gone. */
  readonly path: string
  /** File name in the work folder. */
  readonly work: string
  /** Etag the server's version must have; absent: there must be none. */
  readonly ifMatch?: string
  /** Idempotency-Key, the same in each attempt. */
  readonly key: string
  readonly modified: number
  readonly executable?: boolean
  /** It replaces something or was renamed: all before it goes first, all after it later. */
  readonly barrier: boolean
  /** MD5s that were sent without an answer. */
  readonly attempts: readonly string[]
}

type Line =
  | { readonly put: Intent }
  | { readonly done: number }
  | { readonly attempt: { readonly n: number; readonly md5: string } }

/** A log that holds nothing is cut when it is longer than this. */
const LONG = 256 * 1024

export class IntentLog {
  readonly #fd: number
  readonly #open = new Set<number>()
  #next = 1

  constructor(path: string) {
    this.#fd = openSync(path, 'a', 0o600)
  }

  /** What an earlier mount has left, in order. */
  static read(path: string): Intent[] {
    if (!existsSync(path)) return []
    const intents = new Map<number, Intent>()
    for (const line of readFileSync(path, 'utf8').split('\n')) {
      const entry = parse(line)
      if (!entry) continue
      if ('put' in entry) intents.set(entry.put.n, entry.put)
      else if ('done' in entry) intents.delete(entry.done)
      else {
        const intent = intents.get(entry.attempt.n)
        if (intent) intents.set(intent.n, { ...intent, attempts: [...intent.attempts, entry.attempt.md5] })
      }
    }
    return [...intents.values()].sort((a, b) => a.n - b.n)
  }

  /** Writes an intent down and answers its number; the one it takes the place of is done. */
  record(intent: Omit<Intent, 'n'>, instead?: number): number {
    const n = this.#next++
    this.#open.add(n)
    this.#write({ put: { n, ...intent } }, ...(instead ? [{ done: instead }] : []))
    if (instead) this.#open.delete(instead)
    return n
  }

  /** Takes over what an earlier mount has left, under its old number. */
  adopt({ n }: Intent): void {
    this.#open.add(n)
    this.#next = Math.max(this.#next, n + 1)
  }

  attempted(n: number, md5: string): void {
    this.#write({ attempt: { n, md5 } })
  }

  done(n: number): void {
    this.#open.delete(n)
    this.#write({ done: n })
    if (this.#open.size === 0 && fstatSync(this.#fd).size > LONG) ftruncateSync(this.#fd, 0)
  }

  close(): void {
    closeSync(this.#fd)
  }

  #write(...lines: readonly Line[]): void {
    writeSync(this.#fd, lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
  }
}

function parse(line: string): Line | undefined {
  if (line === '') return undefined
  try {
    return JSON.parse(line) as Line
  } catch {
    return undefined
  }
}
