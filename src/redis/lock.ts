import { chmodSync, mkdirSync, rmSync, statSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { RuntimePaths } from './runtime.js'

/**
 * One holder at a time for a data folder's embedded Redis.
 *
 * The lock is a unix socket that its holder listens on, and not a file with a process number: the kernel itself ends it
 * with the holder, however that dies, so a reused number or a container's own numbering cannot mislead us. Whoever
 * connects is told who holds it.
 */
export interface Lock {
  release(): Promise<void>
}

/** A command's hold is short, and worth waiting for; a server's is not. */
export type HolderRole = 'server' | 'command'

export interface Holder {
  readonly pid: number
  readonly role: HolderRole
}

/** Taking a dead holder's socket away takes some 60 ms. */
const LONGEST_TURN = 5000

/** Somebody else holds the data folder. */
export class DataDirInUseError extends Error {
  override readonly name = 'DataDirInUseError'

  constructor(
    readonly paths: RuntimePaths,
    readonly holder: Holder,
  ) {
    super(
      `The data folder ${paths.dataDir} is in use by another ${holder.role} (process ${holder.pid || 'unknown'}). ` +
        `To run a second server beside it on the same Redis, set REDIS_URL=${paths.redisSocket}; ` +
        'otherwise stop it first or choose another DATA_DIR.',
    )
  }
}

/** Rejects with DataDirInUseError. A lock left behind by a dead holder is taken over. */
export async function acquireLock(paths: RuntimePaths, role: HolderRole): Promise<Lock> {
  const holder: Holder = { pid: process.pid, role }
  for (;;) {
    const server = await listen(paths.lockSocket, holder)
    if (server) {
      return { release: () => new Promise((resolve) => server.close(() => resolve())) }
    }
    const other = await lockHolder(paths)
    if (other) throw new DataDirInUseError(paths, other)
    await removeStale(paths)
  }
}

/** Who holds the data folder now; undefined where nobody does. */
export function lockHolder(paths: RuntimePaths): Promise<Holder | undefined> {
  return probeTwice(paths.lockSocket)
}

/** undefined where the path is taken. */
function listen(path: string, holder: Holder): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('error', () => {})
      socket.end(JSON.stringify(holder))
    })
    server.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined)
      else reject(new Error(`Cannot listen on ${path}: ${error.message}.`, { cause: error }))
    })
    server.listen(path, () => {
      chmodSync(path, 0o600)
      server.unref()
      resolve(server)
    })
  })
}

/** A holder that has bound its socket and not yet listens refuses for some microseconds: so ask again. */
async function probeTwice(path: string): Promise<Holder | undefined> {
  const first = await probe(path)
  if (first) return first
  await delay(50)
  return probe(path)
}

function probe(path: string): Promise<Holder | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path)
    let text = ''
    let connected = false
    socket.setEncoding('utf8')
    socket.setTimeout(2000, () => socket.destroy())
    socket.on('connect', () => {
      connected = true
    })
    socket.on('data', (part) => {
      text += part
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(connected ? parseHolder(text) : undefined))
  })
}

/** A holder too busy to answer is a holder all the same. */
function parseHolder(text: string): Holder {
  try {
    return JSON.parse(text) as Holder
  } catch {
    return { pid: 0, role: 'server' }
  }
}

/**
 * Takes a dead holder's socket away. Only one process may do so at a time, and it looks again when its turn has come:
 * else a slow one would take away the socket of whoever was quicker. Binding needs no turn, since it fails where there
 * is a socket, dead or alive.
 */
async function removeStale(paths: RuntimePaths): Promise<void> {
  const turn = `${paths.lockSocket}.takeover`
  if (!(await takeTurn(turn))) return
  try {
    if (!(await probeTwice(paths.lockSocket))) rmSync(paths.lockSocket, { force: true })
  } finally {
    rmSync(turn, { recursive: true, force: true })
  }
}

/** False: it was somebody else's turn, look again. The turn of one who died in it ends by itself. */
async function takeTurn(folder: string): Promise<boolean> {
  try {
    mkdirSync(folder)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  await delay(20)
  const since = statSync(folder, { throwIfNoEntry: false })?.mtimeMs
  if (since !== undefined && Math.abs(Date.now() - since) > LONGEST_TURN) {
    rmSync(folder, { recursive: true, force: true })
  }
  return false
}
