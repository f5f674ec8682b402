import { execFileSync } from 'node:child_process'
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os'
import { version } from 'node:process'

/** Where and when a group was measured. */
export interface Machine {
  readonly when: string
  readonly processors: string
  readonly memoryGb: number
  readonly system: string
  readonly node: string
  readonly redis: string
  /** Processes that wanted to run, on the average of the minute before. */
  readonly load: number
}

export function thisMachine(): Machine {
  return {
    when: new Date().toISOString().slice(0, 16).replace('T', ' '),
    processors: `${availableParallelism()} × ${cpus()[0]?.model.trim() ?? 'unknown'}`,
    memoryGb: Math.round(totalmem() / 1e9),
    system: `${process.platform} ${release()}`,
    node: version,
    redis:
      /v=(\S+)/.exec(execFileSync('redis-server', ['--version'], { encoding: 'utf8' }))?.[1] ?? 'unknown',
    load: Number(loadavg()[0]?.toFixed(1)),
  }
}
