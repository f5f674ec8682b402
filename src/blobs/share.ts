/**
 * A buffer size for everyone: large while few need one, smaller the more there are. So one transfer runs at full speed,
 * and a thousand of them do not take a thousand large buffers.
 */
export class MemoryShare {
  #users = 0

  /** `totalBytes` are divided among the users; nobody gets less than `minBytes` or more than `maxBytes`. */
  constructor(
    readonly totalBytes: number,
    readonly minBytes: number,
    readonly maxBytes: number,
  ) {}

  /** One more user. Returns how to leave, which may be repeated. */
  enter(): () => void {
    this.#users++
    let here = true
    return () => {
      if (here) this.#users--
      here = false
    }
  }

  /** How many use some of it now. */
  get users(): number {
    return this.#users
  }

  /** What each may use now. */
  get bytes(): number {
    const fair = Math.floor(this.totalBytes / Math.max(1, this.#users))
    return Math.min(this.maxBytes, Math.max(this.minBytes, fair))
  }
}
