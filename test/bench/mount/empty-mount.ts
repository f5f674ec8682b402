/**
 * What a mount costs with nothing behind it: `node empty-mount.js <folder>` mounts a file system by fuse-native that keeps all in
 * memory and asks nobody. With the options that ours has. Ends by being unmounted.
 */
import { constants } from 'node:os'
import { argv } from 'node:process'
import { loadFuseNative } from '../../../mount/fuse/load.js'
import { optionString } from '../../../mount/fuse/options.js'

interface File {
  bytes: Buffer
  size: number
}

type Done = (error: number, ...found: unknown[]) => void

const { ENOENT } = constants.errno
const [mountPoint = ''] = argv.slice(2)
const PIECE = 1024 * 1024
const FOLDER_MODE = 0o040755
const FILE_MODE = 0o100644
const now = new Date()
const files = new Map<string, File>()
const folders = new Map<string, Set<string>>([['/', new Set()]])

const parentOf = (path: string) => path.slice(0, path.lastIndexOf('/')) || '/'
const nameOf = (path: string) => path.slice(path.lastIndexOf('/') + 1)
const siblings = (path: string) => folders.get(parentOf(path))
const fileAt = (path: string) => files.get(path) as File

function resized(file: File, size: number): void {
  if (size > file.bytes.length) {
    const larger = Buffer.alloc(Math.max(size, file.bytes.length + PIECE, 2 * file.bytes.length))
    file.bytes.copy(larger, 0, 0, file.size)
    file.bytes = larger
  }
  file.size = size
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
    done(0)
  },
  rmdir(path: string, done: Done) {
    folders.delete(path)
    siblings(path)?.delete(nameOf(path))
    done(0)
  },
  create(path: string, _mode: number, done: Done) {
    files.set(path, { bytes: Buffer.alloc(0), size: 0 })
    siblings(path)?.add(nameOf(path))
    done(0, 1)
  },
  unlink(path: string, done: Done) {
    files.delete(path)
    siblings(path)?.delete(nameOf(path))
    done(0)
  },
  open: (_path: string, _flags: number, done: Done) => done(0, 1),
  read(path: string, _handle: number, buffer: Buffer, length: number, at: number, done: Done) {
    const { bytes, size } = fileAt(path)
    done(bytes.copy(buffer, 0, at, Math.min(at + length, size)))
  },
  write(path: string, _handle: number, buffer: Buffer, length: number, at: number, done: Done) {
    const file = fileAt(path)
    resized(file, Math.max(file.size, at + length))
    buffer.copy(file.bytes, at, 0, length)
    done(length)
  },
  ftruncate(path: string, _handle: number, size: number, done: Done) {
    resized(fileAt(path), size)
    done(0)
  },
  utimens: (_path: string, _accessed: Date, _modified: Date, done: Done) => done(0),
  chmod: (_path: string, _mode: number, done: Done) => done(0),
  chown: (_path: string, _uid: number, _gid: number, done: Done) => done(0),
  flush: (_path: string, _handle: number, done: Done) => done(0),
  fsync: (_path: string, _dataOnly: number, _handle: number, done: Done) => done(0),
  release: (_path: string, _handle: number, done: Done) => done(0),
}

const Fuse = await loadFuseNative()
class EmptyMount extends Fuse {
  protected override _fuseOptions(): string {
    return optionString({
      name: 'empty',
      readOnly: false,
      allowOther: false,
      checkModes: true,
      nonEmpty: false,
      cacheSeconds: 60,
      keepPages: true,
    })
  }
}
new EmptyMount(mountPoint, operations, { timeout: false }).mount((error) => {
  if (error) throw error
})
