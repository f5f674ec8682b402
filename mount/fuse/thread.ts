/**
 * What fuse-native 2.2.6 knows of a request and does not tell. It lies in the memory of the libfuse thread that brought it
 * (`fuse_thread_locals_t` in fuse-native.c), which is the first argument of every raw handler. Nothing is believed
 * that does not agree with what was passed.
 */
import { platform } from 'node:os'
import { setImmediate as turn } from 'node:timers/promises'
import { type ProcessMemory, sleepers } from './memory.js'

/** Offsets where pointers have 64 bits; they differ by the widths of mode_t and dev_t. */
interface Layout {
  /** struct fuse_file_info *, whose first field is `int flags`. */
  readonly info: number
  /** Two size_t: access and modification time in milliseconds. */
  readonly times: number
  /** uv_async_t.data: the address of all this. */
  readonly self: number
}

const LAYOUTS: Partial<Record<NodeJS.Platform, Layout>> = {
  linux: { info: 48, times: 104, self: 232 },
  darwin: { info: 48, times: 96, self: 224 },
}

const layout = /^(x64|arm64)$/.test(process.arch) ? LAYOUTS[platform()] : undefined

/** The flags of the open(2) behind a create, which the binding does not pass at all. */
export function flagsOf(thread: Buffer, memory: ProcessMemory | undefined): number | undefined {
  if (!layout || !memory) return undefined
  return memory.read(thread.readBigUInt64LE(layout.info), 4)?.readInt32LE()
}

/** Milliseconds since 1970, or as utimensat(2) has it. */
export type Modified = number | 'now' | 'omit'

/** What both UTIME_NOW (2³⁰ − 1 ns) and UTIME_OMIT (2³⁰ − 2 ns) become in milliseconds. */
const SPECIAL = 1073
const NOW = 0x3fff_ffffn
const OMIT = 0x3fff_fffen

/**
 * The modification time of a utimens: the binding passes the access time twice. `accessed` is what it did pass.
 * Undefined where it cannot be known.
 */
export async function modifiedOf(
  thread: Buffer,
  accessed: number,
  memory: ProcessMemory | undefined,
): Promise<Modified | undefined> {
  if (!layout || Number(thread.readBigInt64LE(layout.times)) !== accessed) return undefined
  const modified = Number(thread.readBigInt64LE(layout.times + 8))
  if (modified !== SPECIAL || !memory) return modified
  const nanoseconds = await nanosecondsOf(thread, layout, memory)
  if (nanoseconds === NOW) return 'now'
  if (nanoseconds === OMIT) return 'omit'
  if (nanoseconds !== undefined) return modified
  return accessed === SPECIAL ? 'now' : 'omit'
}

/** How much of a thread's stack is looked through, and how often, since a thread may not have fallen asleep yet. */
const STACK = 1024
const TRIES = 200
/** libfuse threads by their memory, once found; an id stays with its thread. */
const ids = new WeakMap<Buffer, string>()

/** libfuse's `struct timespec tv[2]` is on the stack of the thread that waits for our answer. */
async function nanosecondsOf(
  thread: Buffer,
  { self, times }: Layout,
  memory: ProcessMemory,
): Promise<bigint | undefined> {
  const start = thread.readBigUInt64LE(self)
  for (let i = 0; i < TRIES; i++) {
    const sleeper = sleepers(ids.get(thread)).find(
      ({ waitsFor }) => waitsFor >= start && waitsFor < start + BigInt(thread.length),
    )
    const stack = sleeper && memory.read(sleeper.stack, STACK)
    if (stack) {
      ids.set(thread, sleeper.id)
      return findTimes(stack, thread.readBigInt64LE(times), thread.readBigInt64LE(times + 8))
    }
    await turn()
  }
  return undefined
}

function findTimes(stack: Buffer, accessed: bigint, modified: bigint): bigint | undefined {
  const milliseconds = (at: number) =>
    stack.readBigInt64LE(at) * 1000n + stack.readBigInt64LE(at + 8) / 1_000_000n
  for (let at = 0; at + 32 <= stack.length; at += 8) {
    if (milliseconds(at) === accessed && milliseconds(at + 16) === modified) {
      return stack.readBigInt64LE(at + 24)
    }
  }
  return undefined
}
