import { createHash } from 'node:crypto'
import {
  accessSync,
  constants,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { basename, join } from 'node:path'

/** Longest path a unix socket may have on every system (macOS takes 103 bytes, Linux 107). */
const MAX_SOCKET_PATH = 100

/** Sockets of a data folder. They lie in the folder itself, or in a private temp folder when its path is too long. */
export interface RuntimePaths {
  /** Real, absolute path of the data folder, which exists now. */
  readonly dataDir: string
  /** Where the embedded Redis listens. */
  readonly redisSocket: string
  /** Where whoever holds the data folder listens (see `lock.ts`). */
  readonly lockSocket: string
}

/**
 * Makes the data folder where needed and says where its sockets are. Every process gets the same answer: a temp
 * folder, once chosen, is recorded as the link `run` in the data folder.
 */
export function runtimePaths(dataDir: string): RuntimePaths {
  const real = makeFolder(dataDir)
  const folder = fits(real) ? real : tempFolder(real)
  return { dataDir: real, redisSocket: join(folder, 'redis.sock'), lockSocket: join(folder, 'server.sock') }
}

function makeFolder(dataDir: string): string {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 })
    accessSync(dataDir, constants.W_OK | constants.X_OK)
    return realpathSync(dataDir)
  } catch (error) {
    throw new Error(
      `The data folder ${dataDir} cannot be used (${(error as Error).message}); choose another with DATA_DIR.`,
      { cause: error },
    )
  }
}

function fits(folder: string): boolean {
  return Buffer.byteLength(join(folder, 'server.sock')) <= MAX_SOCKET_PATH
}

function tempFolder(dataDir: string): string {
  const link = join(dataDir, 'run')
  for (;;) {
    const recorded = readLink(link)
    if (recorded !== undefined) {
      if (isOurs(recorded)) return recorded
      // Swept away by a reboot, or not ours to trust.
      rmSync(link, { force: true })
    }
    const hint = createHash('sha256').update(dataDir).digest('hex').slice(0, 8)
    const base = fits(join(tmpdir(), 'novem-spaces-xxxxxxxx-xxxxxx')) ? tmpdir() : '/tmp'
    const made = mkdtempSync(join(base, `novem-spaces-${hint}-`))
    try {
      symlinkSync(made, link)
      return made
    } catch (error) {
      rmSync(made, { recursive: true, force: true })
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  }
}

function readLink(link: string): string | undefined {
  try {
    return readlinkSync(link)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new Error(
      `${link} should be a link to the folder with the sockets, and is not; move it away (${basename(link)} is reserved in the data folder).`,
      { cause: error },
    )
  }
}

function isOurs(folder: string): boolean {
  const stats = lstatSync(folder, { throwIfNoEntry: false })
  return stats?.isDirectory() === true && stats.uid === userInfo().uid && (stats.mode & 0o077) === 0
}
