import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'

const LOOK_MS = 200
const QUIET_SHARE = 0.15
const LONGEST_MS = 15_000

/** Resolves when the disk has everything and the machine does nothing much any more: what others still did behind their answers is not what is measured next. */
export async function quiet(): Promise<void> {
  await promisify(execFile)('sync')
  for (let waited = 0; waited < LONGEST_MS; waited += LOOK_MS) {
    const before = ticks()
    await delay(LOOK_MS)
    const after = ticks()
    if ((after.busy - before.busy) / (after.all - before.all) < QUIET_SHARE) return
  }
}

/** Of all processors (proc(5), /proc/stat): user, nice, system, idle, iowait, … */
function ticks(): { readonly busy: number; readonly all: number } {
  const [, ...counts] = (readFileSync('/proc/stat', 'utf8').split('\n')[0] as string).split(/\s+/).map(Number)
  const all = counts.reduce((sum, one) => sum + one, 0)
  const [, , , idle = 0, waiting = 0] = counts
  return { busy: all - idle - waiting, all }
}
