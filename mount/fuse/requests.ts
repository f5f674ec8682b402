import { type Deferred, deferred } from './deferred.js'

/** A request of the kernel that has not been answered yet. */
export interface Request {
  readonly path: string
  readonly since: number
  /** Answers in the file system's place; absent where that is not to be. */
  readonly expire: (() => void) | undefined
  answered: boolean
  /** Resolves when the answer is given; made for whoever waits. */
  over?: Deferred
}

/** How long whatever waits for no bytes may take. The file system's own bounds are far below; this one is for its defects. */
const LONGEST_WAIT = 120_000
const SWEEP = 5_000

/** The requests in flight: each is answered exactly once, and those with a bound at the latest then. */
export class Requests {
  readonly #running = new Set<Request>()
  #sweeper: NodeJS.Timeout | undefined

  constructor(private readonly longest = LONGEST_WAIT) {}

  begin(path: string, expire?: () => void): Request {
    const request: Request = { path, since: Date.now(), expire, answered: false }
    this.#running.add(request)
    this.#sweeper ??= setInterval(() => this.#sweep(), Math.min(SWEEP, this.longest)).unref()
    return request
  }

  /** False where an answer was given already: this one must not be. */
  end(request: Request): boolean {
    if (request.answered) return false
    request.answered = true
    this.#running.delete(request)
    request.over?.resolve()
    return true
  }

  /** Resolves when those that are running now and concern one of these paths have been answered. */
  async drained(paths: ReadonlySet<string>): Promise<void> {
    const concerned = [...this.#running].filter(({ path }) => paths.has(path))
    await Promise.all(
      concerned.map((request) => {
        request.over ??= deferred()
        return request.over.promise
      }),
    )
  }

  close(): void {
    clearInterval(this.#sweeper)
  }

  #sweep(): void {
    const old = Date.now() - this.longest
    for (const request of this.#running) if (request.since <= old) request.expire?.()
  }
}
