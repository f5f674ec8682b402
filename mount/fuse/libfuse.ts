import { type ProcessMemory, sleepers } from './memory.js'

/** Where fuse_thread_t (fuse-native.c) has its `struct fuse *`, with 64-bit pointers and glibc's pthread types. */
const FUSE = 368
/** And its `struct fuse_chan *`. */
const CHANNEL = 376
/** `struct fuse` of libfuse 2.9 (lib/fuse.c). */
const SIZE = 304
const ENTRY_TIMEOUT = 160
const NEGATIVE_TIMEOUT = 168
const ATTR_TIMEOUT = 176
const NULLPATH_OK = 280
const UTIME_OMIT_OK = 284
const PAGE_SIZE = 296

/** `struct fuse_mt` of lib/fuse_loop_mt.c, on the stack of the thread that waits for the others' end. */
const THREADS = { workers: 40, idle: 44, session: 48, channel: 56, size: 160 }
const STACK = 4096
/** So far below its limit does libfuse count its idle threads that it neither ends nor starts any. */
const NEVER = 1_000_000

/** The running libfuse, in what can be set only in its memory. */
export class Libfuse {
  private constructor(
    private readonly address: bigint,
    private readonly session: bigint,
    private readonly channel: bigint,
    private readonly memory: ProcessMemory,
  ) {}

  /**
   * Undefined where it is not the libfuse we know: everything around what will be set must be what it was told to be.
   * `thread`: fuse-native's fuse_thread_t of the mount.
   */
  static recognise(
    thread: Buffer,
    memory: ProcessMemory | undefined,
    cacheSeconds: number,
  ): Libfuse | undefined {
    if (!memory?.isWritable) return undefined
    const address = thread.readBigUInt64LE(FUSE)
    const fuse = memory.read(address, SIZE)
    if (!fuse) return undefined
    const pageSize = fuse.readInt32LE(PAGE_SIZE)
    const known =
      fuse.readDoubleLE(ENTRY_TIMEOUT) === cacheSeconds &&
      fuse.readDoubleLE(NEGATIVE_TIMEOUT) === 0 &&
      fuse.readDoubleLE(ATTR_TIMEOUT) === cacheSeconds &&
      fuse.readInt32LE(NULLPATH_OK) === 0 &&
      fuse.readInt32LE(UTIME_OMIT_OK) === 0 &&
      pageSize >= 4096 &&
      Number.isInteger(Math.log2(pageSize))
    return known
      ? new Libfuse(address, fuse.readBigUInt64LE(0), thread.readBigUInt64LE(CHANNEL), memory)
      : undefined
  }

  /**
   * libfuse 2.9 drops, in silence, a utimens that leaves one of the two times as it is (`touch -m`, `tar x`), unless the file
   * system says that it knows such ones. fuse-native has no way to say so.
   */
  allowOmittedTimes(): void {
    const yes = Buffer.alloc(4)
    yes.writeInt32LE(1)
    this.memory.write(this.address + BigInt(UTIME_OMIT_OK), yes)
  }

  /** How long the kernel may believe the names and attributes that it is told from now on. */
  setCacheSeconds(seconds: number): void {
    const value = Buffer.alloc(8)
    value.writeDoubleLE(seconds)
    for (const offset of [ENTRY_TIMEOUT, ATTR_TIMEOUT])
      this.memory.write(this.address + BigInt(offset), value)
  }

  /** Starts and ends no threads any more; at least `busy` of them are not idle now. Answers whether that could be had. */
  keepThreads(busy: number): boolean {
    for (const { waitsFor, stack } of sleepers()) {
      const bytes = this.memory.read(stack, STACK)
      const at = bytes ? this.#findThreads(bytes, waitsFor - stack, busy) : undefined
      if (!bytes || at === undefined) continue
      const idle = Buffer.alloc(4)
      idle.writeInt32LE(bytes.readInt32LE(at + THREADS.idle) - NEVER)
      this.memory.write(stack + BigInt(at + THREADS.idle), idle)
      return true
    }
    return false
  }

  /** It names session and channel, counts the threads, and holds the semaphore that is waited for. */
  #findThreads(stack: Buffer, semaphore: bigint, busy: number): number | undefined {
    for (let at = 0; at + THREADS.size <= stack.length; at += 8) {
      if (stack.readBigUInt64LE(at + THREADS.session) !== this.session) continue
      if (stack.readBigUInt64LE(at + THREADS.channel) !== this.channel) continue
      const workers = stack.readInt32LE(at + THREADS.workers)
      const idle = stack.readInt32LE(at + THREADS.idle)
      const inside = semaphore > at && semaphore < at + THREADS.size
      if (inside && idle >= 0 && workers >= busy + idle && workers < 2 * busy + 100) return at
    }
    return undefined
  }
}
