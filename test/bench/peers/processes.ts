import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

const started = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of started) child.kill('SIGKILL')
})

/** From here on the process goes with this one at the latest. */
export function owned<C extends ChildProcess>(child: C): C {
  started.add(child)
  child.once('exit', () => started.delete(child))
  return child
}

/** Ends it by SIGTERM; resolves when it is gone. */
export async function terminate(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGTERM')
  await gone
}

/** Resolves when the address answers anything. Rejects when `child` ends before. */
export async function untilAnswers(child: ChildProcess, url: string): Promise<void> {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`${child.spawnfile} ended with ${child.exitCode}.`)
    const up = await fetch(url).then(
      () => true,
      () => false,
    )
    if (up) return
    await delay(50)
  }
}

/** The process and all that it started. */
export function withChildren(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  return [pid, ...(children === '' ? [] : children.split(' ').map(Number)).flatMap(withChildren)]
}

/** Resident memory of the processes together, in MB: now, or at its highest since `forgetPeak`. */
export function residentMb(pids: readonly number[], which: 'now' | 'peak'): number {
  const field = which === 'now' ? /^VmRSS:\s+(\d+)/m : /^VmHWM:\s+(\d+)/m
  const kib = pids.map((pid) => Number(field.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]))
  return (kib.reduce((sum, one) => sum + one, 0) * 1024) / 1e6
}

/** From here on the highest counts anew (proc(5), clear_refs). */
export function forgetPeak(pids: readonly number[]): void {
  for (const pid of pids) writeFileSync(`/proc/${pid}/clear_refs`, '5')
}
