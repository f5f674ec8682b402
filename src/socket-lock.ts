/**
 * A lock that is a unix socket which its holder listens on, and not a file with a process number: the kernel itself ends it
 * with the holder, however that dies, so a reused number or a container's own numbering cannot mislead us. Whoever connects is
 * told something by the holder.
 */
import { randomBytes } from 'node:crypto'
import { chmodSync, linkSync, mkdirSync, rmSync, statSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

export interface SocketLock {
  release(): Promise<void>
}

/** Taking a dead holder's socket away takes some 60 ms. */
const LONGEST_TURN = 5000

/**
 * Takes the lock; undefined where somebody alive has it. One left behind by a dead holder is taken over. `say` makes what
 * is told to whoever connects.
 */
export async function holdSocket(path: string, say: () => string): Promise<SocketLock | undefined> {
  for (;;) {
    const server = await listen(path, say)
    if (server) return { release: () => release(server, path) }
    const { said, isStale } = await probe(path)
    if (said !== undefined) return undefined
    if (isStale) await removeStale(path)
  }
}

/** What the holder says; undefined where there is none. A holder too busy to answer says ''. */
export async function askSocket(path: string): Promise<string | undefined> {
  return (await probe(path)).said
}

/**
 * undefined where the path is taken. The socket is made under a name of its own and gets the lock's only when it listens: a holder that
 * has bound its socket and does not listen yet would look like a dead one.
 */
async function listen(path: string, say: () => string): Promise<Server | undefined> {
  const own = join(dirname(path), `.${randomBytes(4).toString('hex')}`)
  const server = await listenAt(own, path, say)
  try {
    linkSync(own, path)
    return server
  } catch (error) {
    await closed(server)
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined
    throw new Error(`Cannot listen on ${path}: ${(error as Error).message}.`, { cause: error })
  } finally {
    rmSync(own, { force: true })
  }
}

function listenAt(own: string, path: string, say: () => string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('error', () => {})
      socket.end(say())
    })
    server.on('error', (error) =>
      reject(new Error(`Cannot listen on ${path}: ${error.message}.`, { cause: error })),
    )
    server.listen(own, () => {
      chmodSync(own, 0o600)
      server.unref()
      resolve(server)
    })
  })
}

/** The name goes first: nobody else takes it as long as we listen behind it. */
function release(server: Server, path: string): Promise<void> {
  rmSync(path, { force: true })
  return closed(server)
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
}

interface Probe {
  /** See `askSocket`. */
  readonly said: string | undefined
  /** There is a name, and nobody behind it any more. */
  readonly isStale: boolean
}

function probe(path: string): Promise<Probe> {
  return new Promise((resolve) => {
    const socket = connect(path)
    let text = ''
    let connected = false
    let code: string | undefined
    socket.setEncoding('utf8')
    socket.setTimeout(2000, () => socket.destroy())
    socket.on('connect', () => {
      connected = true
    })
    socket.on('data', (part) => {
      text += part
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      code = error.code
    })
    socket.on('close', () => resolve(connected ? { said: text, isStale: false } : failedProbe(code)))
  })
}

/** What is neither dead nor absent is alive: too many connect at once (EAGAIN), it is another user's (EACCES). */
function failedProbe(code: string | undefined): Probe {
  const isStale = code === 'ECONNREFUSED' || code === 'ENOTSOCK'
  const isAbsent = code === 'ENOENT' || code === 'ENOTDIR'
  return { said: isStale || isAbsent ? undefined : '', isStale }
}

/**
 * Takes a dead holder's socket away. Only one process may do so at a time, and it looks again when its turn has come:
 * else a slow one would take away the socket of whoever was quicker. Taking the name needs no turn, since it fails where there
 * is a socket, dead or alive; so where there is none any more, nothing may be taken away.
 */
async function removeStale(path: string): Promise<void> {
  const turn = `${path}.takeover`
  if (!(await takeTurn(turn))) return
  try {
    if ((await probe(path)).isStale) rmSync(path, { force: true })
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
