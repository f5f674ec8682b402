import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Peer } from './peer.js'

export interface WrkLoad {
  readonly connections: number
  readonly seconds: number
  /** One file, read again and again; or a folder that new files of `bytes` are put into. */
  readonly get?: string
  readonly put?: { readonly folder: string; readonly bytes: number }
}

/** Requests a second by `wrk` with keep-alive. Rejects where any answer was not a success. `scratch`: a folder for its script. */
export async function wrk(peer: Peer, load: WrkLoad, scratch: string): Promise<number> {
  const headers = Object.entries(peer.headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`])
  const script = load.put ? ['-s', await putScript(peer, load.put, scratch)] : []
  const common = ['-t', '1', '-c', String(load.connections), '-d', `${load.seconds}s`]
  const url = peer.base + (load.get ?? '')
  const { stdout } = await promisify(execFile)('wrk', [...common, ...headers, ...script, url])
  const failed = /Non-2xx or 3xx responses: (\d+)|Socket errors: .*/.exec(stdout)
  if (failed) throw new Error(`${peer.name}: ${failed[0]}`)
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1])
}

async function putScript(
  peer: Peer,
  { folder, bytes }: { folder: string; bytes: number },
  scratch: string,
): Promise<string> {
  const path = join(scratch, 'put.lua')
  const { pathname } = new URL(`${folder}/`, peer.base)
  await writeFile(
    path,
    `local body, n = string.rep('x', ${bytes}), 0
wrk.headers['Content-Type'] = 'application/octet-stream'
request = function()
  n = n + 1
  return wrk.format('PUT', '${pathname}' .. string.format('document-%07d.bin', n), nil, body)
end
`,
  )
  return path
}
