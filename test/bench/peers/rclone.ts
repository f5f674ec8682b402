import { spawn } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from '../../support/ports.js'
import type { Peer } from './peer.js'
import { owned, terminate, untilAnswers } from './processes.js'

/** `rclone serve webdav` as it comes, its files in `folder`. */
export async function startRclone(folder: string): Promise<Peer> {
  const files = join(folder, 'files')
  await mkdir(files, { recursive: true })
  const config = join(folder, 'rclone.conf')
  await writeFile(config, '')
  const address = `127.0.0.1:${await freePort()}`
  const args = [
    'serve',
    'webdav',
    files,
    '--addr',
    address,
    '--config',
    config,
    '--log-level',
    'ERROR',
    '--log-file',
    join(folder, 'rclone.log'),
  ]
  const child = owned(spawn('rclone', args, { stdio: ['ignore', 'ignore', 'inherit'] }))
  const base = `http://${address}/`
  await untilAnswers(child, base)
  return {
    name: 'rclone serve webdav',
    base,
    headers: {},
    makesFoldersBy: 'MKCOL',
    pids: () => [child.pid as number],
    end: () => terminate(child),
  }
}
