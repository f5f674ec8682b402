import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { newBlobId } from '../../ids.js'
import { errno } from '../failure.js'
import { close, fsync, futimes, open, rename, unlink, writeAll } from '../files.js'
import type { PackFolder } from './folder.js'

const MODE = 0o640

export interface WriteOut {
  readonly folder: PackFolder
  readonly bytes: Buffer
  readonly target: string
  /** What the file shall say it was last written, ms since 1970. */
  readonly time?: number
  /** The bytes are on disk before the file has its name; the name is the caller's affair. */
  readonly durable: boolean
}

/** A blob of a pack gets a file of its own: whole at once, in place of one that is there. */
export async function writeOut({ folder, bytes, target, time, durable }: WriteOut): Promise<void> {
  const draft = folder.draft(newBlobId())
  const fd = await open(draft, 'wx', MODE)
  try {
    try {
      await writeAll(fd, [bytes])
      if (time !== undefined) await futimes(fd, time / 1000, time / 1000)
      if (durable) await fsync(fd)
    } finally {
      await close(fd)
    }
    await rename(draft, target).catch(async (error: unknown) => {
      if (errno(error) !== 'ENOENT') throw error
      await mkdir(dirname(target), { recursive: true, mode: 0o750 })
      await rename(draft, target)
    })
  } catch (error) {
    await unlink(draft).catch(() => {})
    throw error
  }
}
