/**
 * Requests that come together go on together. The same piece of work for eight requests, one after the other, finds its code and data in
 * the processor's caches: a small PUT among many takes a sixth less time than one that is taken as far as it goes at once (measured).
 */

let step: Promise<void> | undefined

/** Resolves when what has come in this turn of the event loop has been read, for all who wait in it one after the other. */
export function inStep(): Promise<void> {
  step ??= new Promise((resolve) => {
    setImmediate(() => {
      step = undefined
      resolve()
    })
  })
  return step
}
