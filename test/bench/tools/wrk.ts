import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Sample } from '../measure.js'
import type { Peer } from '../peers/peer.js'

export interface WrkLoad {
  readonly connections: number
  readonly seconds: number
  readonly method: string
  /** Below the peer's base; `%d` in it counts the requests, from 0 again after `names` of them. */
  readonly path: string
  readonly names?: number
  readonly headers?: Readonly<Record<string, string>>
  /** Text, or so many bytes of any kind. */
  readonly body?: string | number
}

/** Requests a second by `wrk` with keep-alive. Rejects where any answer was not a success. `scratch`: a folder for its script. */
export async function wrk(peer: Peer, load: WrkLoad, scratch: string): Promise<Sample> {
  const script = join(scratch, 'wrk.lua')
  await writeFile(script, scriptOf(peer, load))
  const common = ['-t', '1', '-c', String(load.connections), '-d', `${load.seconds}s`, '--latency']
  const { stdout } = await promisify(execFile)('wrk', [...common, '-s', script, peer.base])
  const failed = /Non-2xx or 3xx responses: (\d+)|Socket errors: .*/.exec(stdout)
  if (failed) throw new Error(`${peer.name}: ${failed[0]}`)
  const percentile = (which: number) => inMs(new RegExp(`^\\s+${which}%\\s+(\\S+)`, 'm').exec(stdout)?.[1])
  return {
    value: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]),
    latency: { p50: percentile(50), p99: percentile(99) },
  }
}

/** Without a counter in the path wrk makes its request once, which is cheaper. */
function scriptOf(peer: Peer, { method, path, names, headers, body }: WrkLoad): string {
  const target = new URL(peer.base).pathname + path
  const bytes = typeof body === 'number' ? `string.rep('x', ${body})` : body && `[[${body}]]`
  const sent = Object.entries({ ...peer.headers, ...headers })
  const lines = [
    `wrk.method, wrk.path = '${method}', '${target}'`,
    ...sent.map(([name, value]) => `wrk.headers['${name}'] = '${value}'`),
    ...(bytes === undefined ? [] : [`wrk.body = ${bytes}`]),
  ]
  if (path.includes('%d')) {
    const name = names === undefined ? 'n' : `n % ${names}`
    lines.push(
      'local n = -1',
      `function request() n = n + 1; return wrk.format(nil, ('${target}'):format(${name})) end`,
    )
  }
  return `${lines.join('\n')}\n`
}

function inMs(text: string | undefined): number {
  const [, number, unit = ''] = /^([\d.]+)(us|ms|s|m)$/.exec(text ?? '') ?? []
  return Number(number) * ({ us: 0.001, ms: 1, s: 1000, m: 60_000 }[unit] ?? Number.NaN)
}
