/**
 * The least that a mount like ours must do on this runtime: `node least-mount.js <folder> [<server> <bytes>]` mounts a file system by
 * fuse-native that keeps all in memory, with the options that ours has. With a server (`least-server.ts`) a file that was written is sent
 * when it is closed or synced, and each name that is made or removed is one request, for which the program waits; and there is a file
 * `large.bin` of so many bytes, which comes whole from the server when it is opened first. Ends by being unmounted.
 */
import { constants } from 'node:os'
import { argv } from 'node:process'
import { Readable } from 'node:stream'
import { Pool } from 'undici'
import { loadFuseNative } from '../../../mount/fuse/load.js'

interface File {
  /** PIECE bytes each. */
  readonly pieces: Buffer[]
  size: number
  isSent: boolean
  /** So many of its bytes are here; undefined: nobody has asked for them. */
  arrived: number | undefined
  /** Reads that wait until so many are. */
  waiting: { readonly until: number; go(): void }[]
}

type Done = (error: number, ...found: unknown[]) => void

const { EIO, ENOENT } = constants.errno
const [mountPoint = '', server, largeBytes = '0'] = argv.slice(2)
const pool = server === undefined ? undefined : new Pool(server)
/** The most that the kernel writes at once. */
const PIECE = 128 * 1024
const FOLDER_MODE = 0o040755
const FILE_MODE = 0o100644
const now = new Date()
const files = new Map<string, File>()
const folders = new Map<string, Set<string>>([['/', new Set()]])

const newFile = (): File => ({ pieces: [], size: 0, isSent: false, arrived: 0, waiting: [] })
const parentOf = (path: string) => path.slice(0, path.lastIndexOf('/')) || '/'
const nameOf = (path: string) => path.slice(path.lastIndexOf('/') + 1)
const siblings = (path: string) => folders.get(parentOf(path))
const fileAt = (path: string) => files.get(path) as File

function resized(file: File, size: number): void {
  while (file.pieces.length * PIECE < size) file.pieces.push(Buffer.alloc(PIECE))
  file.size = size
  file.arrived = size
  file.isSent = false
}

/** Walks the pieces that hold `length` bytes from `at` on: `take` gets each with the place in it and the bytes passed before. */
function eachPiece(
  file: File,
  at: number,
  length: number,
  take: (piece: Buffer, from: number, done: number) => number,
): number {
  let done = 0
  while (done < length)
    done += take(file.pieces[Math.floor((at + done) / PIECE)] as Buffer, (at + done) % PIECE, done)
  return done
}

function bodyOf({ pieces, size }: File): Buffer | Readable {
  const parts = pieces.map((piece, n) => piece.subarray(0, Math.max(0, size - n * PIECE)))
  return size <= PIECE ? (parts[0] ?? Buffer.alloc(0)) : Readable.from(parts)
}

/** Resolves when the server, where there is one, has answered. */
async function ask(method: 'PUT' | 'DELETE' | 'MKCOL', path: string, file?: File): Promise<void> {
  const sent = file && { body: bodyOf(file), headers: { 'content-length': String(file.size) } }
  const answer = await pool?.request({ method, path, ...sent })
  await answer?.body.dump()
}

async function send(path: string): Promise<void> {
  const file = files.get(path)
  if (!file || file.isSent) return
  file.isSent = true
  await ask('PUT', path, file)
}

/** Brings a file's bytes from the server. */
async function fetchInto(file: File): Promise<void> {
  const { size } = file
  const answer = await pool?.request({ method: 'GET', path: `/large/${size}` })
  resized(file, size)
  file.arrived = 0
  for await (const chunk of answer?.body ?? []) {
    const at: number = file.arrived ?? 0
    eachPiece(file, at, chunk.length, (piece, from, put) => chunk.copy(piece, from, put))
    file.arrived = at + chunk.length
    const ready = file.waiting.filter(({ until }) => until <= at + chunk.length)
    if (ready.length === 0) continue
    file.waiting = file.waiting.filter((one) => !ready.includes(one))
    for (const { go } of ready) go()
  }
}

/** Answers at once where there is no server. */
function after(asked: () => Promise<void>, done: Done): void {
  if (!pool) done(0)
  else
    asked().then(
      () => done(0),
      () => done(-EIO),
    )
}

if (server !== undefined) {
  files.set('/large.bin', { ...newFile(), size: Number(largeBytes), isSent: true, arrived: undefined })
  siblings('/large.bin')?.add('large.bin')
}

const operations = {
  getattr(path: string, done: Done) {
    const file = files.get(path)
    if (!file && !folders.has(path)) return done(-ENOENT)
    const kind = file ? { mode: FILE_MODE, size: file.size } : { mode: FOLDER_MODE, size: 0 }
    return done(0, { ...kind, mtime: now, atime: now, ctime: now, nlink: 1, uid: 0, gid: 0 })
  },
  readdir: (path: string, done: Done) => done(0, [...(folders.get(path) ?? [])]),
  mkdir(path: string, _mode: number, done: Done) {
    folders.set(path, new Set())
    siblings(path)?.add(nameOf(path))
    after(() => ask('MKCOL', path), done)
  },
  rmdir(path: string, done: Done) {
    folders.delete(path)
    siblings(path)?.delete(nameOf(path))
    after(() => ask('DELETE', path), done)
  },
  create(path: string, _mode: number, done: Done) {
    files.set(path, newFile())
    siblings(path)?.add(nameOf(path))
    done(0, 1)
  },
  unlink(path: string, done: Done) {
    files.delete(path)
    siblings(path)?.delete(nameOf(path))
    after(() => ask('DELETE', path), done)
  },
  open(path: string, _flags: number, done: Done) {
    const file = fileAt(path)
    if (file.arrived === undefined) {
      file.arrived = 0
      void fetchInto(file)
    }
    done(0, 1)
  },
  read(path: string, _handle: number, buffer: Buffer, length: number, at: number, done: Done) {
    const file = fileAt(path)
    const room = Math.max(0, Math.min(length, file.size - at))
    const go = () =>
      done(eachPiece(file, at, room, (piece, from, got) => piece.copy(buffer, got, from, from + room - got)))
    if ((file.arrived ?? 0) >= at + room) go()
    else file.waiting.push({ until: at + room, go })
  },
  write(path: string, _handle: number, buffer: Buffer, length: number, at: number, done: Done) {
    const file = fileAt(path)
    resized(file, Math.max(file.size, at + length))
    done(eachPiece(file, at, length, (piece, from, put) => buffer.copy(piece, from, put, length)))
  },
  ftruncate(path: string, _handle: number, size: number, done: Done) {
    resized(fileAt(path), size)
    done(0)
  },
  utimens: (_path: string, _accessed: Date, _modified: Date, done: Done) => done(0),
  chmod: (_path: string, _mode: number, done: Done) => done(0),
  chown: (_path: string, _uid: number, _gid: number, done: Done) => done(0),
  flush: (path: string, _handle: number, done: Done) => after(() => send(path), done),
  fsync: (path: string, _dataOnly: number, _handle: number, done: Done) => after(() => send(path), done),
  release: (_path: string, _handle: number, done: Done) => done(0),
}

/** As the kernel is told by our mount, in libfuse's words. */
const OPTIONS = [
  ...['-ofsname=novem-spaces:least', 'subtype=novem-spaces', 'default_permissions'],
  ...['entry_timeout=60', 'attr_timeout=60', 'negative_timeout=0', 'kernel_cache', 'atomic_o_trunc'],
  ...['big_writes', 'max_write=131072', 'max_readahead=131072', 'async_read'],
].join(',')

const Fuse = await loadFuseNative()
class LeastMount extends Fuse {
  protected override _fuseOptions(): string {
    return OPTIONS
  }
}
new LeastMount(mountPoint, operations, { timeout: false }).mount((error) => {
  if (error) throw error
})
