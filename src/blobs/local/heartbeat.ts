import { futimes } from './files.js'

/**
 * Keeps the modification time of files under upload fresh while their client is slow, so that the collector sees they
 * are alive. Writing does that by itself; this is for those that wait.
 */
export class Heartbeat {
  readonly #files = new Set<number>()
  readonly #timer: NodeJS.Timeout

  constructor(intervalMs: number) {
    this.#timer = setInterval(() => this.#beat(), intervalMs)
    this.#timer.unref()
  }

  add(fd: number): void {
    this.#files.add(fd)
  }

  /** To be called before the descriptor is closed. */
  delete(fd: number): void {
    this.#files.delete(fd)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #beat(): void {
    const now = Date.now() / 1000
    // A missed beat is harmless: the grace period is many beats long.
    for (const fd of this.#files) futimes(fd, now, now).catch(() => {})
  }
}
