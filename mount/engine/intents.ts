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
  /** `instead`: what it takes the place of is done. One line: a kill leaves both or neither. */
  | { readonly put: Intent; readonly instead?: number }
  | { readonly done: number }
  | { readonly attempt: { readonly n: number; readonly md5: string } }

/** A log that holds nothing is cut when it is longer than this. */
const LONG = 256 * 1024

export class IntentLog {
  #fd: number | undefined
  readonly #open = new Set<number>()
  #next = 1

  /** `leftovers`: what `read` has found; the log is not cut before all of that is done. */
  constructor(path: string, leftovers: readonly Intent[] = []) {
    const fd = openSync(path, 'a', 0o600)
    this.#fd = fd
    // Behind a torn line: what is written next is a line of its own.
    if (fstatSync(fd).size > 0) writeSync(fd, '\n')
    for (const { n } of leftovers) {
      this.#open.add(n)
      this.#next = Math.max(this.#next, n + 1)
    }
  }

  /** What an earlier mount has left, in order. */
  static read(path: string): Intent[] {
    if (!existsSync(path)) return []
    const intents = new Map<number, Intent>()
    for (const line of readFileSync(path, 'utf8').split('\n')) {
      const entry = parse(line)
      if (!entry) continue
      if ('put' in entry) {
        intents.set(entry.put.n, entry.put)
        if (entry.instead) intents.delete(entry.instead)
      } else if ('done' in entry) intents.delete(entry.done)
      else {
        const intent = intents.get(entry.attempt.n)
        if (intent) intents.set(intent.n, { ...intent, attempts: [...intent.attempts, entry.attempt.md5] })
      }
    }
    return [...intents.values()].sort((a, b) => a.n - b.n)
  }

  /** Writes an intent down and answers its number; the one it takes the place of is done. */
  record(intent: Omit<Intent, 'n'>, instead?: number): number {
    if (this.#fd === undefined) throw new Error('The log of what is to be sent is closed.')
    const n = this.#next++
    this.#write({ put: { n, ...intent }, ...(instead && { instead }) })
    this.#open.add(n)
    if (instead) this.#open.delete(instead)
    return n
  }

  attempted(n: number, md5: string): void {
    this.#write({ attempt: { n, md5 } })
  }

  done(n: number): void {
    this.#open.delete(n)
    this.#write({ done: n })
    const fd = this.#fd
    if (fd !== undefined && this.#open.size === 0 && fstatSync(fd).size > LONG) ftruncateSync(fd, 0)
  }

  /** What comes of attempts that are still under way is not written down any more; the next mount finds out. */
  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
  }

  #write(line: Line): void {
    const fd = this.#fd
    if (fd === undefined) return
    const bytes = Buffer.from(`${JSON.stringify(line)}\n`)
    let done = 0
    try {
      while (done < bytes.length) done += writeSync(fd, bytes, done)
    } catch (error) {
      // A disk that is full takes a part: nothing was acknowledged, and the next line stands alone.
      if (done > 0) ftruncateSync(fd, fstatSync(fd).size - done)
      throw error
    }
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
