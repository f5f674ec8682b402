import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { Command } from 'commander'
import { copyBytes } from '../backup/bytes.js'
import { renewEpochs } from '../backup/epochs.js'
import { placeSnapshot, takeSnapshot } from '../backup/snapshot.js'
import { storeConfig, withStoreSettings } from '../config.js'
import { fsck } from '../space/fsck.js'
import { print, storeCommand, withStore } from './common.js'

const SNAPSHOT = 'redis.rdb'
/** Written last: without it a backup did not come to its end. */
const MARK = 'backup.json'

/** `novem-spaces backup`: Redis first, then the bytes, so that every file that Redis knows has its bytes. */
export function backupCommand(): Command {
  return storeCommand('backup', 'copy everything into a folder, beside a running server too')
    .argument('<folder>', 'is made; must be empty. On the same file system the bytes are linked, not copied')
    .option('--json', 'print as JSON')
    .action(async (folder: string, _options, command: Command) => {
      const { dataDir, s3 } = storeConfig(command)
      const to = await emptyFolder(folder)
      const made = await withStore(command, async ({ redisUrl }) => {
        await takeSnapshot(redisUrl, join(to, SNAPSHOT))
        return { blobs: s3 ? 0 : await copyBytes(dataDir, to), made_on: new Date().toISOString() }
      })
      await writeFile(join(to, MARK), `${JSON.stringify(made)}\n`)
      const bytes = s3 ? `The bytes are in ${s3.bucket}; copy it now.` : `${made.blobs} blobs.`
      print(command, made, `Backup in ${to}: Redis, and then the bytes. ${bytes}`)
    })
}

/** `novem-spaces restore`: the reverse, into a data folder that is empty. */
export function restoreCommand(): Command {
  return withStoreSettings(
    new Command('restore').description('put a backup into an empty data folder, mend it, and check it'),
  )
    .argument('<folder>', 'what backup has made')
    .option('--json', 'print as JSON')
    .action(async (folder: string, _options, command: Command) => {
      const { dataDir, redisUrl, s3 } = storeConfig(command)
      if (redisUrl !== undefined) {
        command.error(
          `error: restore is for the embedded Redis. Give ${SNAPSHOT} to yours by its own means, then run fsck --new-epoch --repair.`,
        )
      }
      await readFile(join(folder, MARK)).catch((cause) => {
        throw new Error(`There is no backup in ${folder}, or it did not come to its end.`, { cause })
      })
      const to = await emptyFolder(dataDir)
      if (!s3) await copyBytes(folder, to)
      await placeSnapshot(join(folder, SNAPSHOT), to)
      const restored = await withStore(command, async (store) => {
        const spaces = await renewEpochs(store)
        const { counts } = await fsck(store, { repair: true })
        return { spaces, mended: counts.problems, left: (await fsck(store)).counts.problems }
      })
      print(command, restored, `${restored.spaces} spaces restored. ${verdict(restored)}`)
      if (restored.left > 0) throw new Error('fsck still finds problems; run it to see which.')
    })
}

function verdict({ mended, left }: { readonly mended: number; readonly left: number }): string {
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
