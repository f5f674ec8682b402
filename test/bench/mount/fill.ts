import { execFile } from 'node:child_process'
import { cp, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { fileName, fillFolder, localFile, makeFolder, upload } from '../files.js'
import type { Space } from './peers.js'

/** What lies in each of the compared places before anything is measured, and what is copied in. */

export interface Sizes {
  /** Small files that are made. */
  readonly created: number
  /** Folders of a hundred files whose attributes are asked for. */
  readonly folders: number
  /** Files of 100 KB that are copied in. */
  readonly copied: number
  /** Files of the checkout. */
  readonly checkout: number
  readonly largeBytes: number
}

export const PER_FOLDER = 100
const COPIED_BYTES = 100_000
const run = promisify(execFile)

/** Local folders `copied` and `checkout`, and the file `large`. */
export async function localSources(scratch: string, sizes: Sizes) {
  const [copied, checkout] = [join(scratch, 'copied'), join(scratch, 'checkout')]
  await mkdir(copied)
  const body = Buffer.alloc(COPIED_BYTES, 'x')
  for (let n = 0; n < sizes.copied; n++) await writeFile(join(copied, fileName(n)), body)
  for (let n = 0; n < sizes.checkout; n++) {
    const folder = join(checkout, `folder${Math.floor(n / PER_FOLDER)}`)
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, fileName(n)), `file ${n}\n`)
  }
  const git = (...args: string[]) =>
    run('git', ['-C', checkout, '-c', 'user.name=bench', '-c', 'user.email=bench@localhost', ...args])
  await git('init', '-q')
  await git('add', '.')
  await git('commit', '-q', '-m', 'all')
  await git('gc', '-q')
  return { copied, checkout, large: await localFile(scratch, sizes.largeBytes) }
}

/** A new space with `many/` and `large.bin`. */
export async function fillSpace({ ours, name }: Space, sizes: Sizes, large: string): Promise<void> {
  const answer = await fetch(`${ours.spaces}/${name}`, { method: 'PUT', headers: ours.headers })
  if (!answer.ok) throw new Error(`PUT of the space ${name} was answered with ${answer.status}.`)
  const peer = { ...ours, base: `${ours.spaces}/${name}/content/` }
  await makeFolder(peer, 'many')
  for (let n = 0; n < sizes.folders; n++) await fillFolder(peer, `many/folder${n}`, PER_FOLDER)
  await upload(peer, 'large.bin', large)
}

/** The same in a local folder. */
export async function fillLocal(folder: string, sizes: Sizes, large: string): Promise<void> {
  for (let n = 0; n < sizes.folders; n++) {
    const below = join(folder, 'many', `folder${n}`)
    await mkdir(below, { recursive: true })
    for (let file = 0; file < PER_FOLDER; file++) await writeFile(join(below, fileName(file)), '12345')
  }
  await cp(large, join(folder, 'large.bin'))
}
