/**
 * Waiting for Redis awake. Its answer mostly comes within a tenth of a millisecond, and a process that has gone to sleep meanwhile must be
 * woken, which costs both sides as much as the command did: of a client that asks one thing after the other, a quarter of all its waiting.
 */
import { performance } from 'node:perf_hooks'

/** Later than this Redis is busy or far away, and waiting asleep costs nothing that counts. */
const LONGEST_MS = 0.5
/** With more than this on its way there is enough to do, and a processor kept awake may be one that Redis lacks. */
const FEW = 2

const awake = new WeakSet<object>()

/** Goes round the event loop without sleeping until what was sent is answered. `sent`: the commands that are not. */
export function stayAwake(sent: { readonly length: number }): void {
  if (sent.length > FEW || awake.has(sent)) return
  awake.add(sent)
  const until = performance.now() + LONGEST_MS
  const again = () => {
    if (sent.length > 0 && performance.now() < until) setImmediate(again)
    else awake.delete(sent)
  }
  setImmediate(again)
}
