import { performance } from 'node:perf_hooks'

/** Calls `fn(0…count-1)` with `width` calls in flight. Resolves with calls a second. */
export async function rate(
  count: number,
  width: number,
  fn: (n: number) => Promise<unknown>,
): Promise<number> {
  const began = performance.now()
  let next = 0
  const lane = async () => {
    while (next < count) await fn(next++)
  }
  await Promise.all(Array.from({ length: width }, lane))
  return (count / (performance.now() - began)) * 1000
}

/** Milliseconds until what `fn` begins is done. */
export async function milliseconds(fn: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await fn()
  return performance.now() - began
}
