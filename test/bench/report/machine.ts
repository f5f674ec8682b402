import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, release, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { version } from 'node:process'

const PROBES = 50

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

/** The disk of TMPDIR: its device and file system (proc(5), /proc/mounts). */
export function thisDisk(): string {
  const mounts = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
  const above = mounts.filter(([, at = '']) => at === '/' || `${tmpdir()}/`.startsWith(`${at}/`))
  const [device, , type] = above.sort(([, a = ''], [, b = '']) => a.length - b.length).at(-1) ?? []
  return `${type} on ${device}`
}

/**
 * The microseconds that open(2) takes to make a file on the disk of TMPDIR. Usually 10 to 20; ext4 without a journal searches for a
 * millisecond where thousands of files were removed in the last minutes, and whoever makes files is as much slower then.
 */
export function newFileMicros(): number {
  const folder = mkdtempSync(join(tmpdir(), 'novem-probe-'))
  const times = Array.from({ length: PROBES }, (_, n) => {
    const began = performance.now()
    closeSync(openSync(join(folder, String(n)), 'wx'))
    return 1000 * (performance.now() - began)
  })
  rmSync(folder, { recursive: true })
  return Math.round(times.sort((a, b) => a - b)[PROBES / 2] as number)
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
