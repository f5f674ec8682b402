import { randomUUID } from 'node:crypto'
import { link, open, readdir, readFile, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Redis } from 'ioredis'
import { ACCOUNT_SLOT } from './accounts/keys.js'

const KEY = `${ACCOUNT_SLOT}:store`

/**
 * Binds the blobs of a data folder to the Redis that knows them, by an id that both hold. Beside another Redis every blob
 * would look like one that nobody needs, and the collector would take it.
 * Rejects with an Error that says what to do where the two do not belong together.
 */
export async function bindStore(redis: Redis, dataDir: string): Promise<void> {
  const file = join(dataDir, 'store.id')
  const there = await redis.get(KEY)
  let here = await readId(file)
  if (here === undefined && there === null) {
    await writeId(file, dataDir)
    here = await readId(file)
  }
  if (here === undefined) {
    throw new Error(
      `This Redis knows the files of another data folder; their bytes are not in ${dataDir}. Set DATA_DIR to the folder that has them.`,
    )
  }
  if (there === null && (await holdsNothing(dataDir))) await redis.set(KEY, here, 'NX')
  if ((await redis.get(KEY)) !== here) {
    throw new Error(
      `${dataDir} holds the bytes of files that this Redis does not know. Set REDIS_URL to the Redis they belong to, or choose an empty DATA_DIR.`,
    )
  }
}

/** Of several that start at once on one folder, one writes it, whole. On disk before Redis is told. */
async function writeId(file: string, folder: string): Promise<void> {
  const id = randomUUID()
  const draft = `${file}.${id}`
  await writeFile(draft, id, { flush: true })
  try {
    await link(draft, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    await unlink(draft)
  }
  const handle = await open(folder)
  await handle.sync()
  await handle.close()
}

async function holdsNothing(dataDir: string): Promise<boolean> {
  for (const folder of ['blobs', 'pending']) {
    const names = await readdir(join(dataDir, folder)).catch(() => [])
    if (names.length > 0) return false
  }
  return true
}

async function readId(file: string): Promise<string | undefined> {
  try {
    return (await readFile(file, 'utf8')).trim()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
