/**
 * fuse-native 2.2.6, with what it forgets: its options, the modification time of utimens, the handle of fgetattr, types in
 * listings. (The flags of create it does not pass at all.) Here each callback becomes a call of `Operations` and is answered exactly once,
 * whatever that does: throws, rejects, or never ends.
 */
import type FuseNative from 'fuse-native'
import type { Handler, Signal } from 'fuse-native'
import type { Log } from '../../../src/log.js'
import { type Awaitable, FileSystemError } from '../../filesystem.js'
import { errnoNumber, errnoOf } from '../errno.js'
import { loadFuseNative } from '../load.js'
import type { Request, Requests } from '../requests.js'
import type { Operations } from './operations.js'
import { modifiedOf } from './times.js'

export interface BridgeSettings {
  readonly mountPoint: string
  /** As `optionString` makes it. */
  readonly options: string
  readonly operations: Operations
  readonly requests: Requests
  readonly log: Log
}

/**
 * The callbacks that libfuse is to bring. What is not among them is answered by libfuse with ENOSYS, which the kernel takes as
 * "never ask again": EOPNOTSUPP for extended attributes, its own locks, permissions by mode.
 */
const CALLBACKS = [
  ...[
    'getattr',
    'fgetattr',
    'readdir',
    'statfs',
    'open',
    'create',
    'read',
    'write',
    'flush',
    'fsync',
    'release',
  ],
  ...['truncate', 'ftruncate', 'utimens', 'chmod', 'chown', 'mkdir', 'rmdir', 'unlink', 'rename'],
  ...['link', 'symlink', 'mknod'],
]

export interface Bridge {
  mount(): Promise<void>
  /** After the mount has gone: lets the process end. */
  leave(): Promise<void>
}

/** Raises where fuse-native is not there or cannot be loaded. */
export async function createBridge(settings: BridgeSettings): Promise<Bridge> {
  const Fuse = await loadFuseNative()
  const fuse = new (bridgeOf(Fuse))(settings)
  const ended = (work: (done: (error?: Error | null) => void) => void) =>
    new Promise<void>((resolve, reject) => work((error) => (error ? reject(error) : resolve())))
  // It would run a shell, and `fusermount`, which is not everywhere; unmount.ts does it before.
  Fuse.unmount = (_mountPoint, done) => done(null)
  return {
    mount: () => ended((done) => fuse.mount(done)),
    leave: () => ended((done) => fuse.unmount(done)),
  }
}

/** How a request's end is told to libfuse. */
interface Reply<T> {
  done(value: T): void
  failed(errno: number): void
  /** What came after the answer had been given in its place. */
  late?(value: T): void
}

function bridgeOf(Fuse: typeof FuseNative) {
  return class extends Fuse {
    readonly #settings: BridgeSettings
    readonly #operations: Operations
    /** The libfuse thread whose request is being taken up. */
    #thread: Buffer = Buffer.alloc(0)

    constructor(settings: BridgeSettings) {
      super(settings.mountPoint, Object.fromEntries(CALLBACKS.map((name) => [name, true])), {
        timeout: false,
      })
      this.#settings = settings
      this.#operations = settings.operations
    }

    protected override _fuseOptions(): string {
      return this.#settings.options
    }

    protected override _makeHandlerArray(): Handler[] {
      return super
        ._makeHandlerArray()
        .map((handler) => (thread: Buffer, operation: number, ...args: unknown[]) => {
          this.#thread = thread
          return handler(thread, operation, ...args)
        })
    }

    _op_getattr(signal: Signal, path: string): void {
      this.#attributes(signal, path, 0)
    }

    _op_fgetattr(signal: Signal, path: string, handle: number): void {
      this.#attributes(signal, path, handle)
    }

    _op_readdir(signal: Signal, path: string): void {
      this.#serve('readdir', path, () => this.#operations.readdir(path), {
        done: ({ names, stats }) => signal(0, names, stats),
        failed: signal,
      })
    }

    _op_statfs(signal: Signal, path: string): void {
      this.#serve('statfs', path, () => this.#operations.statfs(), {
        done: (words) => signal(0, words),
        failed: signal,
      })
    }

    _op_open(signal: Signal, path: string, flags: number): void {
      this.#serve('open', path, () => this.#operations.open(path, flags), this.#opened(signal))
    }

    _op_create(signal: Signal, path: string, mode: number): void {
      this.#serve('create', path, () => this.#operations.create(path, mode), this.#opened(signal))
    }

    _op_read(
      signal: Signal,
      path: string,
      handle: number,
      buffer: Buffer,
      _length: number,
      low: number,
      high: number,
    ): void {
      this.#transfer('read', signal, path, buffer, () =>
        this.#operations.read(handle, buffer, long(low, high)),
      )
    }

    _op_write(
      signal: Signal,
      path: string,
      handle: number,
      buffer: Buffer,
      _length: number,
      low: number,
      high: number,
    ): void {
      this.#transfer('write', signal, path, buffer, () =>
        this.#operations.write(handle, buffer, long(low, high)),
      )
    }

    _op_flush(signal: Signal, path: string, handle: number): void {
      this.#unbounded('flush', signal, path, () => this.#operations.flush(handle))
    }

    _op_fsync(signal: Signal, path: string, _dataOnly: number, handle: number): void {
      this.#unbounded('fsync', signal, path, () => this.#operations.fsync(handle))
    }

    _op_release(signal: Signal, path: string, handle: number): void {
      this.#unbounded('release', signal, path, () => this.#operations.release(handle))
    }

    _op_truncate(signal: Signal, path: string, low: number, high: number): void {
      this.#plain('truncate', signal, path, () => this.#operations.truncate(path, long(low, high), 0))
    }

    _op_ftruncate(signal: Signal, path: string, handle: number, low: number, high: number): void {
      this.#plain('truncate', signal, path, () => this.#operations.truncate(path, long(low, high), handle))
    }

    _op_utimens(signal: Signal, path: string, low: number, high: number): void {
      const modified = modifiedOf(this.#thread, long(low, high))
      this.#plain('utimens', signal, path, () => this.#operations.utimens(path, modified))
    }

    _op_chmod(signal: Signal, path: string, mode: number): void {
      this.#plain('chmod', signal, path, () => this.#operations.chmod(path, mode))
    }

    _op_chown(signal: Signal, path: string, uid: number, gid: number): void {
      this.#plain('chown', signal, path, () => this.#operations.chown(path, uid, gid))
    }

    _op_mkdir(signal: Signal, path: string, mode: number): void {
      this.#plain('mkdir', signal, path, () => this.#operations.mkdir(path, mode))
    }

    _op_rmdir(signal: Signal, path: string): void {
      this.#plain('rmdir', signal, path, () => this.#operations.rmdir(path))
    }

    _op_unlink(signal: Signal, path: string): void {
      this.#plain('unlink', signal, path, () => this.#operations.unlink(path))
    }

    _op_rename(signal: Signal, from: string, to: string): void {
      const thread = this.#thread
      this.#plain('rename', signal, from, () => this.#operations.rename(thread, from, to), to)
    }

    _op_link(signal: Signal, _from: string, to: string): void {
      this.#plain('link', signal, to, () => this.#operations.refuse('hard links', to))
    }

    _op_symlink(signal: Signal, _target: string, path: string): void {
      this.#plain('symlink', signal, path, () => this.#operations.refuse('symbolic links', path))
    }

    _op_mknod(signal: Signal, path: string): void {
      this.#plain('mknod', signal, path, () =>
        this.#operations.refuse('device files, pipes or sockets', path),
      )
    }

    #attributes(signal: Signal, path: string, handle: number): void {
      this.#serve('getattr', path, () => this.#operations.getattr(path, handle), {
        done: (words) => signal(0, words),
        failed: signal,
      })
    }

    /** A handle that comes too late is let go again. */
    #opened(signal: Signal): Reply<number> {
      return {
        done: (handle) => signal(0, handle),
        failed: signal,
        late: (handle) => {
          this.#ignore(() => this.#operations.release(handle))
        },
      }
    }

    #plain(operation: string, signal: Signal, path: string, work: () => Awaitable<void>, to?: string): void {
      this.#serve(operation, path, work, { done: () => signal(0), failed: signal }, true, to)
    }

    /** How long bytes take to go out only the file system can say. */
    #unbounded(operation: string, signal: Signal, path: string, work: () => Awaitable<void>): void {
      this.#serve(operation, path, work, { done: () => signal(0), failed: signal }, false)
    }

    /** The memory behind `buffer` is libfuse's, and gone with the answer: nobody but the file system may give it. */
    #transfer(
      operation: string,
      signal: Signal,
      path: string,
      buffer: Buffer,
      work: () => Awaitable<number>,
    ): void {
      const memory = buffer.buffer
      const reply = {
        done: (count: number) => signal(count, 0, memory),
        failed: (errno: number) => signal(errno, 0, memory),
      }
      this.#serve(operation, path, work, reply, false)
    }

    #serve<T>(
      operation: string,
      path: string,
      work: () => Awaitable<T>,
      reply: Reply<T>,
      bounded = true,
      to?: string,
    ): void {
      const { requests } = this.#settings
      const expire = bounded ? () => this.#expire(operation, request, reply) : undefined
      const request = requests.begin(path, expire)
      const done = (value: T) => {
        if (requests.end(request)) reply.done(value)
        else reply.late?.(value)
      }
      const failed = (error: unknown) => {
        if (!requests.end(request)) return
        if (!(error instanceof FileSystemError))
          this.#settings.log.error(`${operation} ${path}: ${stack(error)}`)
        reply.failed(errnoOf(error))
      }
      try {
        const wait = this.#operations.hidden.settle(this.#thread, operation, path, to)
        const result = wait ? wait.then(work) : work()
        if (result instanceof Promise) result.then(done, failed)
        else done(result)
      } catch (error) {
        failed(error)
      }
    }

    #expire<T>(operation: string, request: Request, reply: Reply<T>): void {
      if (!this.#settings.requests.end(request)) return
      this.#settings.log.error(`${operation} ${request.path} was given up: it has not been answered in time.`)
      reply.failed(errnoNumber('ETIMEDOUT'))
    }

    async #ignore(work: () => Awaitable<void>): Promise<void> {
      try {
        await work()
      } catch (error) {
        this.#settings.log.error(`A file that was opened too late could not be closed: ${String(error)}`)
      }
    }
  }
}

/** The binding passes 64 bits as two words, unsigned; times before 1970 are negative. */
function long(low: number, high: number): number {
  return (high | 0) * 2 ** 32 + low
}

function stack(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
