import { closeSync } from 'node:fs'
import type { Readable } from 'node:stream'
import type { StoredBlob } from '../../space/types.js'
import { newBlobId } from '../ids.js'
import { Intake } from '../intake.js'
import type { PutOptions } from '../store.js'
import { failure } from './failure.js'
import { close, fdatasync, open, unlink, writeAll } from './files.js'
import type { FolderSync } from './folder-sync.js'
import type { Heartbeat } from './heartbeat.js'
import type { Layout } from './layout.js'
import type { Packs } from './packs/packs.js'
import { fits } from './packs/record.js'
import type { PromptCalls } from './prompt.js'

/** Larger bodies are written by the thread pool. */
const SMALL_BYTES = 256 * 1024
const MODE = 0o640

export interface UploadTarget {
  /** Of a blob the pending file, which must not exist. */
  readonly layout: Layout
  readonly heartbeat: Heartbeat
  /** Makes files whose bytes are all there already. */
  readonly prompt: PromptCalls
  /** The pending folder, where names are to be durable; absent: neither bytes nor name are forced to disk. */
  readonly folder: FolderSync | undefined
  readonly packs: Packs
  /** Bodies of up to so many bytes go into a pack; no more than come in one batch. */
  readonly packUpTo: number
}

/** Streams a body into the store: a small one into a pack, when all of it is there. */
export async function upload(
  target: UploadTarget,
  space: string,
  body: Readable | Uint8Array,
  options: PutOptions,
): Promise<StoredBlob> {
  const time = Date.now()
  const intake = new Intake(body, options)
  try {
    const batch = await intake.next()
    if (!intake.ended || intake.size > target.packUpTo || !fits(space))
      return await uploadFile(target, space, intake, batch, options)
    const { size } = intake
    const digests = await intake.digests()
    options.verify?.(digests)
    const id = await target.packs.append(space, batch ?? [], { size, time })
    return { id, size, md5: digests.md5 }
  } catch (error) {
    throw failure(error, 'writing a blob')
  } finally {
    intake.close()
  }
}

/**
 * The same into the pending file. It is made when the first batch is there (a body that breaks off at once costs nothing), and is
 * gone again after any failure.
 */
async function uploadFile(
  target: UploadTarget,
  space: string,
  intake: Intake,
  first: readonly Uint8Array[] | undefined,
  options: PutOptions,
): Promise<StoredBlob> {
  const id = newBlobId()
  const path = target.layout.places(space, id).pending
  let fd: number | undefined
  let made = false
  try {
    let batch = first
    const isSmall = intake.ended && intake.size <= SMALL_BYTES
    fd = await (isSmall ? target.prompt.open(path, 'wx', MODE) : open(path, 'wx', MODE))
    made = true
    target.heartbeat.add(fd)
    while (batch !== undefined) {
      await (isSmall ? target.prompt.writeAll(fd, batch) : writeAll(fd, batch))
      batch = await intake.next()
    }
    const digests = await intake.digests()
    options.verify?.(digests)
    // Neither waits for the other: the blob counts as put only when both are on disk.
    if (target.folder) await allOf([fdatasync(fd), target.folder.sync()])
    target.heartbeat.delete(fd)
    const done = fd
    fd = undefined
    // Local file systems have nothing left to do here, and a trip to the thread pool costs more than the call.
    closeSync(done)
    return { id, size: intake.size, md5: digests.md5 }
  } catch (error) {
    if (fd !== undefined) {
      target.heartbeat.delete(fd)
      await close(fd).catch(() => {})
    }
    // Cleaning up must not hide the failure that led to it; what it leaves is pending, and the collector's.
    if (made) await unlink(path).catch(() => {})
    throw error
  }
}

/** Unlike `Promise.all` it fails only when all have ended, so nothing still uses a descriptor that is closed next. */
async function allOf(steps: readonly Promise<void>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(steps))
    if (outcome.status === 'rejected') throw outcome.reason
}
