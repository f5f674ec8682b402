import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Peer } from './peer.js'
import { owned, terminate } from './processes.js'

/** A bare `node:http` server that streams files of `folder`, `chunk` bytes a read (see `bare-server.ts`). */
export async function startBare(folder: string, chunk: number): Promise<Peer> {
  const script = fileURLToPath(new URL('bare-server.js', import.meta.url))
  const child = owned(
    spawn(process.execPath, [script, folder, String(chunk)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    }),
  )
  const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string]
  return {
    name: `bare node:http, ${chunk / 1024} KiB reads`,
    base: line.trim(),
    headers: {},
    makesFoldersBy: 'PUT',
    pids: () => [child.pid as number],
    end: () => terminate(child),
  }
}
