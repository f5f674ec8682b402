import type { Answer, Engine } from './engine.js'

/** Takes apart what recursive deletes cut off, in steps of a few milliseconds at most (scripts/reap.lua). */

/** One step of the range ending at `last`. Resolves with false where there was nothing of it left to do. */
export async function reapUpTo(engine: Engine, space: string, last: number): Promise<boolean> {
  const answer = (await engine.run('reap', space, [last])) as Answer
  return answer.length > 0
}

/** One step of whichever range waits longest. Resolves with false when the space has nothing to reap. */
export async function reapNext(engine: Engine, space: string): Promise<boolean> {
  const answer = (await engine.run('reap', space, [''])) as Answer
  return answer.length > 0
}

/** The reaper of one process: works through the spaces it is told of, one step at a time. */
export class Reaper {
  readonly #engine: Engine
  readonly #failed: (error: unknown) => void
  readonly #waiting = new Set<string>()
  #running: Promise<void> | undefined
  #stopped = false

  /** `failed` hears of errors; the work is taken up again with the next kick, of whichever process. */
  constructor(engine: Engine, failed: (error: unknown) => void) {
    this.#engine = engine
    this.#failed = failed
  }

  /** The space has something to reap. Does not wait. */
  kick(space: string): void {
    if (this.#stopped) return
    this.#waiting.add(space)
    this.#running ??= this.#work()
      .catch(this.#failed)
      .finally(() => {
        this.#running = undefined
      })
  }

  /** Spaces this process has yet to work through. */
  get waiting(): number {
    return this.#waiting.size
  }

  /** Resolves when nothing this process knows of is left to reap. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running
  }

  /** Ends after the step that runs. */
  async stop(): Promise<void> {
    this.#stopped = true
    await this.idle()
  }

  async #work(): Promise<void> {
    for (const space of this.#waiting) {
      while (!this.#stopped && (await reapNext(this.#engine, space))) {
        // A step a turn: requests of others go in between.
      }
      this.#waiting.delete(space)
    }
  }
}
