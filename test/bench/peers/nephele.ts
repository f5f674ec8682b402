import { execFile, spawn } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from '../../support/ports.js'
import type { Peer } from './peer.js'
import { owned, terminate, untilAnswers } from './processes.js'

const PACKAGES = [
  'nephele@1.0.0-alpha.67',
  '@nephele/adapter-file-system@1.0.0-alpha.61',
  '@nephele/authenticator-none@1.0.0-alpha.61',
  'express@5',
]
const SERVER = `
import Adapter from '@nephele/adapter-file-system'
import Authenticator from '@nephele/authenticator-none'
import express from 'express'
import nephele from 'nephele'
const [root, port] = process.argv.slice(2)
const drive = nephele({ adapter: new Adapter({ root }), authenticator: new Authenticator() })
express().use('/', drive).listen(Number(port), '127.0.0.1')
`

/** Nephele, another WebDAV server in TypeScript, its files in `folder`; installed there from npm. Rejects where that fails. */
export async function startNephele(folder: string): Promise<Peer> {
  const files = join(folder, 'files')
  await mkdir(files, { recursive: true })
  await writeFile(join(folder, 'package.json'), '{"type":"module"}')
  await writeFile(join(folder, 'server.js'), SERVER)
  await promisify(execFile)('npm', ['install', '--no-audit', '--no-fund', ...PACKAGES], { cwd: folder })
  const port = await freePort()
  const args = [join(folder, 'server.js'), files, String(port)]
  const child = owned(spawn(process.execPath, args, { cwd: folder, stdio: 'ignore' }))
  const base = `http://127.0.0.1:${port}/`
  await untilAnswers(child, base)
  return {
    name: 'Nephele',
    base,
    headers: {},
    makesFoldersBy: 'MKCOL',
    pids: () => [child.pid as number],
    end: () => terminate(child),
  }
}
