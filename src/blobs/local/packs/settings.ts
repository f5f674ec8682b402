/** How packs are dealt with; other numbers than the usual ones are for tests. */
export interface PackSettings {
  /** A pack with so many bytes takes no more. Below 4 GiB. */
  readonly packBytes: number
  /** The owner of a pack touches its `.open` so often (ms). */
  readonly beatMs: number
  /** A record that is undecided for so long (ms) gets a file of its own as its note. */
  readonly undecidedMs: number
}

export const PACK_SETTINGS: PackSettings = {
  packBytes: 64 * 1024 * 1024,
  beatMs: 30_000,
  undecidedMs: 180_000,
}

/**
 * After its last heart-beat an owner may append for so long (ms). Far less than `silenceMs`, so that nobody appends to a
 * pack that others may have taken over: a process may have been stopped, and the machine asleep.
 */
export function trustMs({ beatMs }: PackSettings): number {
  return 4 * beatMs
}

/** Who was not heard of for so long (ms) appends no more. */
export function silenceMs({ beatMs }: PackSettings): number {
  return 10 * beatMs
}
