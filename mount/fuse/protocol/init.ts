/** The first request, by which kernel and server agree on what they can (linux/fuse.h, `fuse_init_in`, `fuse_init_out`). */
import { ANSWER_HEADER } from './answers.js'
import type { KernelRequest } from './request.js'

const MAJOR = 7
/** Of Linux 5.4; what came later is not needed. */
const MINOR = 31
/** From Linux 4.20 on: `max_pages`. */
const OLDEST_MINOR = 28

const ASYNC_READ = 1 << 0
const ATOMIC_O_TRUNC = 1 << 3
const BIG_WRITES = 1 << 5
const DO_READDIRPLUS = 1 << 13
const READDIRPLUS_AUTO = 1 << 14
const PARALLEL_DIROPS = 1 << 18
const MAX_PAGES = 1 << 22

/**
 * What is not here stays the kernel's: locks among the programs of this machine, and when pages of a file go, which is told it
 * by notifications. Without WRITEBACK_CACHE each write comes at once.
 */
const WANTED =
  ASYNC_READ | ATOMIC_O_TRUNC | BIG_WRITES | DO_READDIRPLUS | READDIRPLUS_AUTO | PARALLEL_DIROPS | MAX_PAGES

/**
 * The most that one request reads or writes; the kernel would go to 1 MiB. Measured with 90 MB written to a space: more saves a few requests,
 * but such copies fall out of the processor's cache, and what is sent meanwhile has its turn less often.
 */
export const MOST_BYTES = 256 * 1024
const PAGE = 4096
/** Requests for which no program waits itself (reading ahead), in the kernel's hands at a time. */
const MOST_IN_BACKGROUND = 32
const CONGESTED = 24
/** Times are told in nanoseconds; the space keeps milliseconds. */
const TIME_STEP = 1_000_000
const BYTES = 64

/** The whole answer but for its header, or undefined: this kernel is too old, or of another kind. */
export function initAnswer(request: KernelRequest): Buffer | undefined {
  const [major, minor] = [request.word(0), request.word(4)]
  if (major !== MAJOR || minor < OLDEST_MINOR) return undefined
  const answer = Buffer.alloc(ANSWER_HEADER + BYTES)
  const body = answer.subarray(ANSWER_HEADER)
  body.writeUInt32LE(MAJOR, 0)
  body.writeUInt32LE(Math.min(minor, MINOR), 4)
  body.writeUInt32LE(Math.min(request.word(8), MOST_BYTES), 8)
  body.writeUInt32LE((request.word(12) & WANTED) >>> 0, 12)
  body.writeUInt16LE(MOST_IN_BACKGROUND, 16)
  body.writeUInt16LE(CONGESTED, 18)
  body.writeUInt32LE(MOST_BYTES, 20)
  body.writeUInt32LE(TIME_STEP, 24)
  body.writeUInt16LE(MOST_BYTES / PAGE, 28)
  return answer
}
