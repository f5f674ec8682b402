import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { Command } from 'commander'
import { copyBytes } from '../backup/bytes.js'
import { renewEpochs } from '../backup/epochs.js'
import { placeSnapshot, SNAPSHOT, takeSnapshots } from '../backup/snapshot.js'
import { storeIdIn } from '../binding.js'
import { storeConfig, withStoreSettings } from '../config.js'
import { shownUrl } from '../redis/address.js'
import { connectRedis } from '../redis/connect.js'
import { fsck } from '../space/fsck.js'
import { commandLog, print, storeCommand, withStore } from './common.js'

/** Written last: without it a backup did not come to its end. */
const MARK = 'backup.json'

/** `novem-spaces backup`: Redis first, then the bytes, so that every file that Redis knows has its bytes. */
export function backupCommand(): Command {
  return storeCommand('backup', 'copy everything into a folder, beside a running server too')
    .argument('<folder>', 'is made; must be empty. On the same file system most bytes are linked, not copied')
    .option('--json', 'print as JSON')
    .action(async (folder: string, _options, command: Command) => {
      const { dataDir, s3 } = storeConfig(command)
      const to = await emptyFolder(folder)
      const made = await withStore(command, async ({ redis, redisUrl }) => {
        const snapshots = await takeSnapshots(redis, redisUrl, to)
        const files = s3 ? 0 : await copyBytes(dataDir, to)
        return { store: await storeIdIn(redis), snapshots, files, made_on: new Date().toISOString() }
      })
      await writeFile(join(to, MARK), `${JSON.stringify(made)}\n`)
      const bytes = s3 ? `The bytes are in ${s3.bucket}; copy it now.` : `${made.files} files.`
      print(command, made, `Backup in ${to}: Redis, and then the bytes. ${bytes}`)
    })
}

/**
 * `novem-spaces restore`: the reverse, into a data folder that is empty. A Redis of one's own holds its snapshot already, loaded by its
 * own means.
 */
export function restoreCommand(): Command {
  return withStoreSettings(
    new Command('restore').description('put a backup into an empty data folder, mend it, and check it'),
  )
    .argument('<folder>', 'what backup has made')
    .option('--json', 'print as JSON')
    .addHelpText(
      'after',
      '\nWith REDIS_URL, give that Redis its snapshot first, by its own means; with S3_BUCKET, its bytes.',
    )
    .action(async (folder: string, _options, command: Command) => {
      const { dataDir, redisUrl, s3 } = storeConfig(command)
      const { store } = await markOf(folder)
      if (redisUrl !== undefined) await holdsSnapshot(redisUrl, store)
      const to = s3 && redisUrl !== undefined ? undefined : await emptyFolder(dataDir)
      const fill = async () => {
        if (to !== undefined && !s3) await copyBytes(folder, to)
        if (to !== undefined && redisUrl === undefined) await placeSnapshot(join(folder, SNAPSHOT), to)
        return mended(command)
      }
      const restored = await fill().catch(async (error: unknown) => {
        // The backup is as it was, and so is the data folder.
        if (to !== undefined) await emptied(to)
        throw error
      })
      print(command, restored, `${restored.spaces} spaces restored. ${verdict(restored)}`)
      if (restored.left > 0) throw new Error('fsck still finds problems; run it to see which.')
    })
}

async function markOf(folder: string): Promise<{ readonly store: string }> {
  const text = await readFile(join(folder, MARK), 'utf8').catch((cause) => {
    throw new Error(`There is no backup in ${folder}, or it did not come to its end.`, { cause })
  })
  return JSON.parse(text) as { store: string }
}

/** Rejects where that Redis has not been given the backup's snapshot: `fsck` would take all bytes for nobody's. */
async function holdsSnapshot(redisUrl: string, store: string): Promise<void> {
  const redis = await connectRedis(redisUrl, { name: 'novem-restore', log: commandLog })
  try {
    if ((await storeIdIn(redis)) === store) return
  } finally {
    redis.disconnect()
  }
  throw new Error(
    `The Redis at ${shownUrl(redisUrl)} does not hold the snapshot of this backup. Give it that by its own means first; the README says how.`,
  )
}

interface Restored {
  readonly spaces: number
  readonly mended: number
  readonly left: number
}

function mended(command: Command): Promise<Restored> {
  return withStore(command, async (store) => {
    const spaces = await renewEpochs(store)
    const { counts } = await fsck(store, { repair: true })
    return { spaces, mended: counts.problems, left: (await fsck(store)).counts.problems }
  })
}

async function emptied(folder: string): Promise<void> {
  for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true, force: true })
}

function verdict({ mended, left }: Restored): string {
  const news =
    mended === 0 ? '' : `${mended} differences, such as bytes newer than the snapshot, were mended. `
  return `${news}${left === 0 ? 'All is well.' : `${left} problems are left.`}`
}

async function emptyFolder(folder: string): Promise<string> {
  const path = resolve(folder)
  await mkdir(path, { recursive: true, mode: 0o700 })
  if ((await readdir(path)).length > 0) throw new Error(`The folder ${path} is not empty.`)
  return path
}
