import { readdir, realpath, stat } from 'node:fs/promises'
import { platform } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import type { Log } from '../../src/log.js'
import { abortConnection } from './abort.js'
import { type MountEntry, mountAt } from './mounts.js'
import { run } from './run.js'
import { unmountAt } from './unmount.js'

/** How long a mount that is there may take to say that it lives. */
const LIFE_SIGN = 3_000

/**
 * The absolute path of a folder that can be mounted on. A mount of ours whose process is gone (kill -9, a crash) is taken
 * away first. Raises an Error that says what is in the way.
 */
export async function readyMountPoint(dir: string, nonEmpty: boolean, log: Log): Promise<string> {
  const path = await canonical(dir)
  const there = await mountAt(path)
  if (there) await clear(path, there, log)
  const found = await stat(path).catch((cause) => {
    if (cause.code === 'ENOENT') throw new Error(`${path} does not exist; make the folder first.`, { cause })
    throw new Error(`${path} cannot be mounted on: ${cause.message}`, { cause })
  })
  if (!found.isDirectory()) throw new Error(`${path} is not a folder.`)
  if (!nonEmpty && (await readdir(path)).length > 0) {
    throw new Error(
      `${path} is not empty, and what is in it would be hidden; say --nonempty if that is meant.`,
    )
  }
  return path
}

/** Symbolic links resolved as the kernel does, without asking the last folder itself: it may be a mount that hangs. */
export async function canonical(dir: string): Promise<string> {
  const path = resolve(dir)
  if (path === '/') return path
  try {
    return join(await realpath(dirname(path)), basename(path))
  } catch (cause) {
    throw new Error(`${dirname(path)} does not exist; make the folder first.`, { cause })
  }
}

async function clear(path: string, there: MountEntry, log: Log): Promise<void> {
  if (!there.type.startsWith('fuse') || !(await isDead(path))) {
    throw new Error(`${path} is in use already: ${there.source} (${there.type}) is mounted there.`)
  }
  log.warn(`${path} was still mounted by a process that is gone; taking that mount away.`)
  if (there.connection >= 0) await abortConnection(there.connection)
  await unmountAt(path, { lazy: true })
}

/** Asked by another process, since the answer may never come. A dead connection says so at once (ENOTCONN). */
async function isDead(path: string): Promise<boolean> {
  const [program, args] = platform() === 'darwin' ? ['df', [path]] : ['stat', ['-f', '--', path]]
  const { stderr } = await run(program, args, LIFE_SIGN)
  return /not connected|connection aborted|not configured/i.test(stderr)
}
