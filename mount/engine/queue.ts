/** The order in which a write-back mount sends: contents of new names side by side, what replaces or renames in its place. */
import { randomUUID } from 'node:crypto'
import type { Log } from '../../src/log.js'
import type { Version } from './content.js'
import { isCode } from './errno.js'
import type { Intent, IntentLog } from './intents.js'
import type { FileNode } from './nodes.js'
import type { Attempt, Sender } from './sender.js'

const WIDTH = 8
/** A new file often gets its name only now, by a rename. So long it waits for that, unless somebody waits for it (ms). */
const SETTLING = 50
const LEAST_PAUSE = 1000
const LONGEST_PAUSE = 30_000

interface Waiting extends Attempt {
  readonly node: FileNode
  /** Another one after a refusal: under the same the server would answer the same for an hour, whatever has changed. */
  key: string
  readonly barrier: boolean
  readonly size: number
  /** Not before this moment. */
  from: number
  isRunning: boolean
  /** The server refused it for a reason that time may mend; the others go past it. */
  isParked: boolean
  /** Of the attempt that is under way or comes next. */
  done: PromiseWithResolvers
}

interface PromiseWithResolvers {
  readonly promise: Promise<void>
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** What waits, for `status`. */
export interface Unsent {
  readonly path: string
  readonly size: number
  readonly error?: string
}

export class SendQueue {
  /** By number in the intent log, in that order. */
  readonly #waiting = new Map<number, Waiting>()
  #bytes = 0
  #running = 0
  #pause = LEAST_PAUSE
  /** While it runs the server is away, and nothing is sent. */
  #timer: NodeJS.Timeout | undefined
  /** Until what is parked is tried again. */
  #parking: NodeJS.Timeout | undefined
  #settling: NodeJS.Timeout | undefined
  #isHeld = false
  #isClosed = false

  constructor(
    private readonly sender: Sender,
    private readonly intents: IntentLog,
    private readonly log: Log,
    /** Called when a file is no longer in use here: lets go of its bytes, if nobody else needs them. */
    private readonly onIdle: (node: FileNode) => void,
  ) {}

  /** Bytes that wait, of all files, as they were when they were written down. */
  get bytes(): number {
    return this.#bytes
  }

  unsent(): Unsent[] {
    return [...this.#waiting.values()].map(({ node }) => {
      const { refusal, work } = node.content ?? {}
      return { path: node.path, size: work?.size ?? 0, ...(refusal && { error: refusal.message }) }
    })
  }

  /** Writes down that the file is to be sent, at the end of the row, and sends it when its turn comes. */
  add(node: FileNode, intent: Omit<Intent, 'n' | 'attempts'>): void {
    const { content } = node
    if (!content) return
    const before = this.#waiting.get(content.intent)
    const n = this.intents.record({ ...intent, attempts: [...node.attempts] }, content.intent)
    this.#take(content.intent)
    this.#put(n, node, intent, intent.barrier ? 0 : Date.now() + SETTLING, before?.done)
  }

  /** Sends nothing until `start`: what an earlier mount left must be put back first. */
  hold(): void {
    this.#isHeld = true
  }

  start(): void {
    this.#isHeld = false
    this.#pump()
  }

  /** What an earlier mount wrote down. */
  adopt(node: FileNode, intent: Intent): void {
    this.#put(intent.n, node, intent, 0)
  }

  #put(
    n: number,
    node: FileNode,
    { key, barrier }: Pick<Intent, 'key' | 'barrier'>,
    from: number,
    done = withResolvers(),
  ): void {
    if (node.content) node.content.intent = n
    const { work, generation = 0 } = node.content?.outgoing ?? {}
    const size = work?.size ?? 0
    this.#bytes += size
    const isDue = () => this.#waiting.get(n) === entry
    const entry = {
      node,
      key,
      generation,
      isDue,
      barrier,
      size,
      from,
      isRunning: false,
      isParked: false,
      done,
    }
    this.#waiting.set(n, entry)
    setImmediate(() => this.#pump())
  }

  #take(n: number): void {
    this.#bytes -= this.#waiting.get(n)?.size ?? 0
    this.#waiting.delete(n)
  }

  /** Resolves when the file has been sent; rejects when an attempt at it failed. */
  sent(node: FileNode): Promise<void> {
    const entry = this.#waiting.get(node.content?.intent ?? 0)
    if (!entry) return Promise.resolve()
    this.retry()
    return entry.done.promise
  }

  /** The server has this version. Where that is the one written down, it is so no longer, and programs may go on in its bytes. */
  arrived({ content }: FileNode, { generation }: Version): void {
    const n = content?.intent ?? 0
    const entry = this.#waiting.get(n)
    if (entry?.generation === generation) this.#finish(n, entry)
  }

  /** It was unlinked before it was sent. */
  forget(node: FileNode): void {
    const { content } = node
    if (!content || content.intent === 0) return
    const entry = this.#waiting.get(content.intent)
    this.#take(content.intent)
    this.intents.done(content.intent)
    content.intent = 0
    entry?.done.resolve()
    this.#pump()
  }

  /** The server may take now what it did not take before. */
  retry(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    clearTimeout(this.#parking)
    this.#parking = undefined
    for (const entry of this.#waiting.values()) {
      entry.isParked = false
      entry.from = 0
    }
    this.#pump()
  }

  /** Sends what can be sent. What the server does not take, or not in time, stays written down. */
  async close(patienceMs: number): Promise<void> {
    const until = Date.now() + patienceMs
    this.retry()
    while (this.#waiting.size > 0 && Date.now() < until) {
      const [entry] = [...this.#waiting.values()].filter(({ isParked }) => !isParked)
      if (!entry) break
      const rest = new Promise<void>((resolve) => setTimeout(resolve, until - Date.now()).unref())
      const isOver = await Promise.race([entry.done.promise.then(() => false), rest.then(() => true)]).catch(
        isAway,
      )
      if (isOver) break
    }
    this.#isClosed = true
    clearTimeout(this.#timer)
    clearTimeout(this.#parking)
    clearTimeout(this.#settling)
    if (this.#waiting.size > 0)
      this.log.warn(`${this.#waiting.size} files are not sent yet; the next mount sends them.`)
  }

  #pump(): void {
    if (this.#timer || this.#isHeld || this.#isClosed) return
    let before = 0
    for (const [n, entry] of this.#waiting) {
      if (this.#running >= WIDTH) return
      if (entry.isParked) continue
      if (entry.barrier && before > 0) return
      if (entry.from > Date.now()) {
        this.#settle(entry.from)
        return
      }
      if (!entry.isRunning) void this.#send(n, entry)
      if (entry.barrier) return
      before += 1
    }
  }

  #settle(until: number): void {
    this.#settling ??= setTimeout(() => {
      this.#settling = undefined
      this.#pump()
    }, until - Date.now())
  }

  async #send(n: number, entry: Waiting): Promise<void> {
    entry.isRunning = true
    this.#running += 1
    try {
      await this.sender.send(entry.node, entry)
      this.#pause = LEAST_PAUSE
      this.#finish(n, entry)
    } catch (error) {
      this.#failed(entry, error as Error)
    } finally {
      entry.isRunning = false
      this.#running -= 1
      // Unlinked while its turn came: whoever unlinked it could not let go of its bytes.
      const { content } = entry.node
      if (!this.#waiting.has(n) && !this.#waiting.has(content?.intent ?? 0)) this.onIdle(entry.node)
      this.#pump()
    }
  }

  #finish(n: number, entry: Waiting): void {
    // It has been seen to, or was written to again meanwhile: then a later intent has it.
    if (!entry.isDue()) return
    this.#take(n)
    this.intents.done(n)
    const { node } = entry
    if (node.content?.intent === n) node.content.intent = 0
    entry.done.resolve()
  }

  #failed(entry: Waiting, error: Error): void {
    const { content } = entry.node
    const n = content?.intent ?? 0
    // The entry itself, or what has taken its place meanwhile.
    const waiting = this.#waiting.get(n)
    const { done } = entry
    done.reject(error)
    if (waiting?.done === done) waiting.done = withResolvers()
    if (content) content.refusal = error
    if (isAway(error)) {
      this.#timer ??= this.#later()
      if (isCode(error, 'UNAVAILABLE')) this.#refuseAll(error)
      if (waiting) this.#noteAttempts(n, entry.node)
      return
    }
    this.#parking ??= this.#later()
    entry.isParked = true
    entry.key = randomUUID()
    this.log.error(`"${entry.node.path}" is not sent: ${error.message} It is kept, and tried again.`)
  }

  /** On a disk that is full that is not to be had, and then a kill may make a conflict copy, no more. */
  #noteAttempts(n: number, { attempts, path }: FileNode): void {
    try {
      for (const md5 of attempts) this.intents.attempted(n, md5)
    } catch (error) {
      this.log.warn(
        `What was sent of "${path}" without an answer is not written down: ${(error as Error).message}.`,
      )
    }
  }

  /** The server is away for those, too, whose turn has not come: whoever waits for one is told. */
  #refuseAll(error: Error): void {
    for (const waiting of this.#waiting.values()) {
      if (waiting.isRunning) continue
      waiting.done.reject(error)
      waiting.done = withResolvers()
    }
  }

  #later(): NodeJS.Timeout {
    const timer = setTimeout(() => this.retry(), this.#pause)
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE)
    return timer
  }
}

function isAway(error: unknown): boolean {
  return isCode(error, 'UNAVAILABLE', 'BUSY')
}

function withResolvers(): PromiseWithResolvers {
  let resolve = () => {}
  let reject: (error: unknown) => void = () => {}
  const promise = new Promise<void>((yes, no) => {
    resolve = yes
    reject = no
  })
  promise.catch(() => undefined)
  return { promise, resolve, reject }
}
