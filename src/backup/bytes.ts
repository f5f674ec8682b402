/** The blobs of a data folder, copied while they are in use. */
import { constants, copyFile, link, mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { ignoreMissing } from '../blobs/local/failure.js'

/** The id that binds the folder to its Redis comes along. */
const ID = 'store.id'
/** In this order: a blob that is settled meanwhile, which renames it, is then found in the second if not in the first. */
const FOLDERS = ['pending', 'blobs'] as const

/**
 * Copies all blobs, by hard links where both folders are on one file system: blobs are immutable, so nothing of them changes
 * later. What goes meanwhile is left out. Resolves with the number of blobs.
 */
export async function copyBytes(from: string, to: string): Promise<number> {
  let count = 0
  for (const folder of FOLDERS) count += await copyFolder(join(from, folder), join(to, folder))
  await copyFile(join(from, ID), join(to, ID))
  return count
}

async function copyFolder(from: string, to: string): Promise<number> {
  await mkdir(to, { recursive: true, mode: 0o700 })
  let count = 0
  for (const entry of (await readdir(from, { withFileTypes: true }).catch(ignoreMissing)) ?? []) {
    const [source, copy] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isDirectory()) count += await copyFolder(source, copy)
    else if (entry.isFile() && (await copyBlob(source, copy))) count++
  }
  return count
}

/** False where it has gone. */
async function copyBlob(source: string, copy: string): Promise<boolean> {
  try {
    await link(source, copy).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') throw error
      return copyFile(source, copy, constants.COPYFILE_FICLONE)
    })
    return true
  } catch (error) {
    ignoreMissing(error)
    return false
  }
}
