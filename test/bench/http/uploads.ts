import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Ours } from './ours.js'

const UPLOADS = 50
const SPACES = 5
const MB = 1_000_000

/**
 * Uploads of 100 MB all at once (an account's largest files, in several spaces because of their limit): peak resident memory
 * of our server, its Redis beside it. `scratch`: a folder for curl's configuration.
 */
export async function uploadsAtOnce(ours: Ours, body: string, scratch: string): Promise<string> {
  const transfers: string[] = []
  for (let at = 0; at < SPACES; at++) {
    const answer = await fetch(`${ours.spaces}/uploads${at}`, { method: 'PUT', headers: ours.headers })
    if (!answer.ok) throw new Error(`${ours.name} answered PUT of a space with ${answer.status}.`)
  }
  for (let at = 0; at < UPLOADS; at++) {
    const url = `${ours.spaces}/uploads${at % SPACES}/content/large-${at}.bin`
    const headers = Object.entries(ours.headers).map(([name, value]) => `header = "${name}: ${value}"`)
    transfers.push(
      [`url = "${url}"`, `upload-file = "${body}"`, 'output = "/dev/null"', ...headers].join('\n'),
    )
  }
  const config = join(scratch, 'uploads.conf')
  await writeFile(config, transfers.join('\nnext\n'))

  const before = resident(ours.pid)
  let peak = before
  let redis = 0
  const began = performance.now()
  const child = spawn(
    'curl',
    ['-sS', '--fail-early', '-Z', '--parallel-immediate', '--parallel-max', String(UPLOADS), '-K', config],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  )
  const done = once(child, 'exit').then(([code]) => code as number)
  let code: number | undefined
  done.then((value) => {
    code = value
  })
  while (code === undefined) {
    peak = Math.max(peak, resident(ours.pid))
    redis = Math.max(redis, resident(ours.redisPid))
    await delay(20)
  }
  if (code !== 0) throw new Error(`curl ended with ${code}.`)
  const seconds = (performance.now() - began) / 1000
  const rate = (UPLOADS * 100) / seconds
  const verdict = peak < 300 * MB ? 'reached' : 'NOT reached'
  return `${UPLOADS} uploads of 100 MB at once: RSS ${mb(before)} MB before, ${mb(peak)} MB at its peak (target < 300 MB: ${verdict}), Redis ${mb(redis)} MB, ${rate.toFixed(0)} MB/s together`
}

function resident(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024
}

function mb(bytes: number): string {
  return (bytes / MB).toFixed(0)
}
