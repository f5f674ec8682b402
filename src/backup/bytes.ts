/** The blobs of a data folder, copied while they are in use. */
import { constants, copyFile, link, mkdir, readdir, stat } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { ignoreMissing } from '../blobs/local/failure.js'

/** The id that binds the folder to its Redis comes along. */
const ID = 'store.id'
/** In this order, in which blobs move: one that does meanwhile is then found in a later one if not in the first. */
const FOLDERS = ['packs', 'pending', 'blobs'] as const

/**
 * Copies all blobs, by hard links where both folders are on one file system: of what is linked nothing changes later. What goes
 * meanwhile is left out. Resolves with the number of files.
 */
export async function copyBytes(from: string, to: string): Promise<number> {
  let count = 0
  for (const folder of FOLDERS) {
    const copy = folder === 'packs' ? copyPackFile : copyBlob
    count += await copyFolder(join(from, folder), join(to, folder), copy)
  }
  await copyFile(join(from, ID), join(to, ID))
  return count
}

/** Resolves to false where the file has gone. */
type Copy = (source: string, copy: string) => Promise<boolean>

async function copyFolder(from: string, to: string, copy: Copy): Promise<number> {
  await mkdir(to, { recursive: true, mode: 0o700 })
  let count = 0
  for (const entry of (await readdir(from, { withFileTypes: true }).catch(ignoreMissing)) ?? []) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isDirectory()) count += await copyFolder(source, target, copy)
    else if (entry.isFile() && (await copy(source, target))) count++
  }
  return count
}

/**
 * A pack changes no more when it has no `.open`. While it has, it is copied as long as it is now, and so is what lies beside packs: that is
 * added to in place.
 */
async function copyPackFile(source: string, copy: string): Promise<boolean> {
  if (extname(source) === '.draft') return false
  const grows = extname(source) !== '' || (await stat(`${source}.open`).catch(ignoreMissing)) !== undefined
  if (!grows) return copyBlob(source, copy)
  const copied = await copyFile(source, copy, constants.COPYFILE_FICLONE).then(() => true, ignoreMissing)
  return copied === true
}

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
