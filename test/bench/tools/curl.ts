import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Peer } from '../peers/peer.js'

/** Seconds from request to the last byte of one transfer by `curl`, by its own clock. Rejects where it fails. */
export async function curl(peer: Peer, path: string, more: readonly string[] = []): Promise<number> {
  const headers = Object.entries(peer.headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`])
  const args = [
    '-sS',
    '--fail',
    '-o',
    '/dev/null',
    '-w',
    '%{time_total} %{time_connect}',
    ...headers,
    ...more,
  ]
  const { stdout } = await promisify(execFile)('curl', [...args, peer.base + path])
  const [total, connected] = stdout.split(' ').map(Number)
  return (total as number) - (connected as number)
}
