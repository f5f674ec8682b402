import { randomUUID } from 'node:crypto'
import { link, open, readdir, readFile, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ACCOUNT_SLOT } from './accounts/keys.js'
import type { S3Bucket } from './blobs/s3/bucket.js'
import type { RedisClient } from './redis/scripts.js'

const ID = 'store.id'
const KEY = `${ACCOUNT_SLOT}:store`

/** Where a store's bytes are, as far as binding goes. */
export interface BoundPlace {
  /** For messages: 'the folder /x', and the setting that names it. */
  readonly name: string
  readonly setting: string
  /** The id it holds, if any. */
  readId(): Promise<string | undefined>
  /** Durable when it resolves. Of several that write at once, one does, whole. */
  writeId(id: string): Promise<void>
  /** There is no blob in it. */
  isEmpty(): Promise<boolean>
}

/**
 * Binds the place of the blobs to the Redis that knows them, by an id that both hold. Beside another Redis every blob
 * would look like one that nobody needs, and the collector would take it.
 * Rejects with an Error that says what to do where the two do not belong together.
 */
export async function bindStore(redis: RedisClient, place: BoundPlace): Promise<void> {
  const { name, setting } = place
  const there = await redis.get(KEY)
  let here = await place.readId()
  if (here === undefined && there === null) {
    // On disk before Redis is told.
    await place.writeId(randomUUID())
    here = await place.readId()
  }
  if (here === undefined) {
    throw new Error(
      `This Redis knows files whose bytes are elsewhere, not in ${name}. Set ${setting} to where they are.`,
    )
  }
  if (there === null && (await place.isEmpty())) await redis.set(KEY, here, 'NX')
  if ((await redis.get(KEY)) !== here) {
    throw new Error(
      `There are bytes in ${name} of files that this Redis does not know. Set REDIS_URL to the Redis they belong to, or ${setting} to a place that is empty.`,
    )
  }
}

/** The id of the store whose metadata this Redis holds; null where it holds none. */
export function storeIdIn(redis: RedisClient): Promise<string | null> {
  return redis.get(KEY)
}

/** The data folder of a local store: the id is its file `store.id`. */
export function folderPlace(dataDir: string): BoundPlace {
  const file = join(dataDir, ID)
  return {
    name: `the folder ${dataDir}`,
    setting: 'DATA_DIR',
    readId: () => readId(file),
    writeId: (id) => writeId(file, dataDir, id),
    isEmpty: () => holdsNothing(dataDir),
  }
}

/** A bucket, or a part of one: the id is its object `store.id`. */
export function bucketPlace(bucket: S3Bucket): BoundPlace {
  return {
    name: `the bucket ${bucket.shown}`,
    setting: 'S3_BUCKET',
    readId: async () => (await bucket.readText(ID))?.trim(),
    writeId: (id) => bucket.writeTextOnce(ID, id),
    isEmpty: () => bucket.isEmpty(),
  }
}

async function writeId(file: string, folder: string, id: string): Promise<void> {
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
  for (const folder of ['blobs', 'pending', 'packs']) {
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
