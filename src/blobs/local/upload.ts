import type { Readable } from 'node:stream'
import type { StoredBlob } from '../../space/types.js'
import { Intake } from '../intake.js'
import type { PutOptions } from '../store.js'
import { failure, ignoreMissing } from './failure.js'
import { close, fdatasync, open, unlink, writeAll } from './files.js'
import type { FolderSync } from './folder-sync.js'
import type { Heartbeat } from './heartbeat.js'

export interface UploadTarget {
  readonly id: string
  /** The pending file; it must not exist. */
  readonly path: string
  readonly heartbeat: Heartbeat
  /** The pending folder, where names are to be durable; absent: neither bytes nor name are forced to disk. */
  readonly folder: FolderSync | undefined
}

/**
 * Streams a body into the pending file. The file is made when the first batch is there (a body that breaks off at once
 * costs nothing), and is gone again after any failure.
 */
export async function upload(
  target: UploadTarget,
  body: Readable | Uint8Array,
  options: PutOptions,
): Promise<StoredBlob> {
  const intake = new Intake(body, options)
  let fd: number | undefined
  try {
    let batch = await intake.next()
    fd = await open(target.path, 'wx', 0o640)
    target.heartbeat.add(fd)
    while (batch !== undefined) {
      await writeAll(fd, batch)
      batch = await intake.next()
    }
    const digests = intake.digests()
    options.verify?.(digests)
    // Neither waits for the other: the blob counts as put only when both are on disk.
    if (target.folder) await Promise.all([fdatasync(fd), target.folder.sync()])
    target.heartbeat.delete(fd)
    const done = fd
    fd = undefined
    await close(done)
    return { id: target.id, size: intake.size, md5: digests.md5 }
  } catch (error) {
    if (fd !== undefined) await drop(fd, target)
    throw failure(error, 'writing a blob')
  } finally {
    intake.close()
  }
}

/** Clean-up must not hide the failure that led to it; what it leaves is pending, and the collector's. */
async function drop(fd: number, target: UploadTarget): Promise<void> {
  target.heartbeat.delete(fd)
  await close(fd).catch(() => {})
  await unlink(target.path)
    .catch(ignoreMissing)
    .catch(() => {})
}
