/** Open files. */
import { constants } from 'node:fs'
import { type Awaitable, FileSystemError } from '../../filesystem.js'
import { errnoNumber } from '../errno.js'
import { ANSWER_HEADER, KEEP_CACHE, NO_FLUSH } from '../protocol/answers.js'
import { Opcode } from '../protocol/opcodes.js'
import type { KernelRequest } from '../protocol/request.js'
import { after, type Calls, type Handlers } from './calls.js'
import type { Device } from './device.js'
import type { KernelNode } from './node-table.js'
import { ReadBuffers } from './read-buffers.js'

/** Of `write_flags`: no program's write(2), but pages (linux/fuse.h, FUSE_WRITE_CACHE). */
const FROM_PAGES = 1 << 0

export interface FileParts {
  readonly calls: Calls
  readonly device: Pick<Device, 'keep'>
  /** What a file's opening has to wait for. */
  readonly beforeOpen: (path: string) => Promise<unknown> | undefined
  /** May pages stay when a file is opened? */
  readonly keepsPages: () => boolean
}

interface Opened {
  readonly handle: number
  /** By which it was opened; undefined: by another handle. */
  readonly path: string | undefined
}

export function fileHandlers({ calls, device, beforeOpen, keepsPages }: FileParts): Handlers {
  const { fs, table, answers } = calls
  const buffers = new ReadBuffers()

  function open(request: KernelRequest): void {
    const { unique } = request
    const node = calls.nodeOf(request)
    if (!node) return
    const flags = request.word(0)
    calls.serve<Opened>({
      what: 'open',
      unique,
      node,
      work: (path, like) => {
        if (like !== undefined)
          return after(fs.open(path, flags, like), (handle) => ({ handle, path: undefined }))
        const wait = beforeOpen(path)
        return wait ? wait.then(() => openNamed(node, flags)) : openNamed(node, flags)
      },
      send: (opened) => sendOpened(unique, node, flags, opened),
      undo: ({ handle }) => fs.release(handle),
    })
  }

  function openNamed(node: KernelNode, flags: number): Awaitable<Opened> {
    const path = table.pathOf(node)
    if (path === undefined) throw new FileSystemError('ESTALE', `${node.name} has been replaced.`)
    return after(fs.open(path, flags), (handle) => ({ handle, path }))
  }

  /** Whoever opens by name while a rename replaces the file may have got the other one. At ESTALE the kernel looks up again. */
  function sendOpened(unique: number, node: KernelNode, flags: number, { handle, path }: Opened): boolean {
    if (path !== undefined && path !== table.pathOf(node)) {
      answers.error(unique, errnoNumber('ESTALE'))
      return false
    }
    node.handles.add(handle)
    const isReading = (flags & (constants.O_WRONLY | constants.O_RDWR)) === 0
    const told = (keepsPages() ? KEEP_CACHE : 0) | (isReading ? NO_FLUSH : 0)
    if (answers.opened(unique, handle, told)) return true
    node.handles.delete(handle)
    return false
  }

  function read(request: KernelRequest): void {
    const { unique } = request
    const node = calls.nodeOf(request)
    if (!node) return
    const [handle, offset, length] = [request.long(0), request.long(8), request.word(16)]
    const bytes = buffers.take(length)
    const giveBack = () => buffers.giveBack(bytes)
    calls.serve<number>({
      what: 'read',
      unique,
      node,
      handle,
      isUnbounded: true,
      work: () => fs.read(handle, bytes.subarray(ANSWER_HEADER, ANSWER_HEADER + length), offset),
      send: (count) => {
        const taken = answers.bytes(unique, bytes, ANSWER_HEADER + count)
        giveBack()
        return taken
      },
    })
  }

  /** The bytes lie where the device has read them; where the FileSystem takes its time they must stay. */
  function write(request: KernelRequest): void {
    const { unique } = request
    const node = calls.nodeOf(request)
    if (!node) return
    const [handle, offset, length] = [request.long(0), request.long(8), request.word(16)]
    const isFromPages = (request.word(20) & FROM_PAGES) !== 0
    // As it is now: fcntl(2) can have changed it since the file was opened.
    const appends = !isFromPages && (request.word(32) & constants.O_APPEND) !== 0
    calls.serve<number>({
      what: 'write',
      unique,
      node,
      handle,
      isUnbounded: true,
      work: () => {
        const written = fs.write(handle, request.data(40, length), offset, appends)
        if (written instanceof Promise) written.finally(device.keep()).catch(() => {})
        return written
      },
      send: (count) => answers.written(unique, count),
    })
  }

  function byHandle(request: KernelRequest, what: 'flush' | 'fsync' | 'release'): void {
    const { unique } = request
    const node = calls.nodeOf(request)
    if (!node) return
    const handle = request.long(0)
    if (what === 'release') node.handles.delete(handle)
    calls.serve<void>({
      what,
      unique,
      node,
      handle,
      isUnbounded: true,
      work: () => fs[what](handle),
      send: () => answers.empty(unique),
    })
  }

  return {
    [Opcode.OPEN]: open,
    [Opcode.READ]: read,
    [Opcode.WRITE]: write,
    [Opcode.FLUSH]: (request) => byHandle(request, 'flush'),
    [Opcode.FSYNC]: (request) => byHandle(request, 'fsync'),
    [Opcode.RELEASE]: (request) => byHandle(request, 'release'),
  }
}
