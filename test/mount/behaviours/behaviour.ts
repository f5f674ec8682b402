/** What a file system does, told in values that can be compared: the same steps on a local folder and on a mount. */

/** One behaviour. `run` gets an empty folder of its own and answers what was seen, as JSON can hold it. */
export interface Behaviour {
  readonly name: string
  /** What a mount shows instead of what a local folder does, and why. */
  readonly differs?: { readonly seen: unknown; readonly because: string }
  run(dir: string): unknown
}

/** The answer of a step, or the code of its error. */
export function attempt<T>(step: () => T): T | string {
  try {
    return step()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    return code
  }
}
