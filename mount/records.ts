/** Notes on what is mounted, one a mount point, so that `status` finds mounts and what dead ones have left unsent. */
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { userFolder } from '../src/user-folders.js'

export interface MountRecord {
  readonly mountPoint: string
  readonly space: string
  /** URL of the server, or its data folder. */
  readonly server: string
  /** Folder of the mount's slot. */
  readonly cacheDir: string
}

export async function writeRecord(record: MountRecord): Promise<void> {
  const path = pathOf(record.mountPoint)
  await mkdir(folder(), { recursive: true, mode: 0o700 })
  await writeFile(`${path}.new`, JSON.stringify(record), { mode: 0o600 })
  await rename(`${path}.new`, path)
}

export async function removeRecord(mountPoint: string): Promise<void> {
  await rm(pathOf(mountPoint), { force: true })
}

/** All of this user's, by mount point. */
export async function listRecords(): Promise<readonly MountRecord[]> {
  const names = await readdir(folder()).catch(() => [])
  const records = await Promise.all(
    names.filter((name) => name.endsWith('.json')).map((name) => readRecord(join(folder(), name))),
  )
  return records
    .filter((record) => record !== undefined)
    .sort((a, b) => (a.mountPoint < b.mountPoint ? -1 : 1))
}

/** Undefined where it has gone meanwhile. */
async function readRecord(path: string): Promise<MountRecord | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as MountRecord
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new Error(`${path} cannot be read: ${(error as Error).message}; remove it.`, { cause: error })
  }
}

function pathOf(mountPoint: string): string {
  return join(folder(), `${createHash('sha256').update(mountPoint).digest('hex').slice(0, 16)}.json`)
}

function folder(): string {
  return join(userFolder('state'), 'novem-spaces', 'mounts')
}
