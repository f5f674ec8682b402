import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { ExecutionContext } from 'ava'
import type { ErrorCode } from '../../src/space/errors.js'
import { SpaceError } from '../../src/space/errors.js'

export const NO_LIMIT = { limit: 1e9 }
/** Older than this is every blob. */
export const FUTURE = Date.now() + 86_400_000

/** A folder of the test's own, removed after it. */
export async function ownFolder(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'blobs-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** An id as spaces have; every test has its own, so stores may be shared. */
export function newSpace(): string {
  return `s${randomBytes(6).toString('hex')}`
}

export function md5(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex')
}

/** A body of unknown length in chunks of `step` bytes. */
export function streamOf(bytes: Buffer, step = 64 * 1024): Readable {
  return Readable.from(chunksOf(bytes, step))
}

function* chunksOf(bytes: Buffer, step: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += step) yield bytes.subarray(at, at + step)
}

/** A body that the test feeds by hand with `push`. */
export function handFed(): Readable {
  return new Readable({ read() {} })
}

export async function bytesOf(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
}

/** Asserts that `doing` rejects with this code and a message that matches; returns the error. */
export async function failsWith(
  t: ExecutionContext,
  code: ErrorCode,
  message: RegExp,
  doing: () => Promise<unknown>,
): Promise<SpaceError | undefined> {
  const error = await t.throwsAsync(doing, { instanceOf: SpaceError, message })
  t.is(error?.code, code)
  return error
}

/** For comparing what comes in no promised order. */
export function sorted(items: readonly string[]): string[] {
  return items.toSorted()
}
