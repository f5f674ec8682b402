/**
 * `node mount-space.js <settings as JSON>`: mounts a space until SIGTERM. A process of its own, since whoever serves a mount
 * must not touch it. Says `ready` on stdout, and what the mount logs on stderr.
 */
import { openDirectVolume } from '../../../mount/direct.js'
import { openFileSystem } from '../../../mount/engine/index.js'
import { type Mounted, mountFuse } from '../../../mount/fuse/index.js'
import { openRemoteVolume } from '../../../mount/remote/volume.js'
import type { Volume } from '../../../mount/volume.js'
import { Directory } from '../../../src/accounts/directory.js'
import { LocalBlobStore } from '../../../src/blobs/local/store.js'
import { connectRedis } from '../../../src/redis/connect.js'
import { Spaces } from '../../../src/space/spaces.js'
import { Watcher } from '../../../src/space/watcher.js'

export interface MountSettings {
  readonly dir: string
  readonly cacheDir: string
  readonly write: 'through' | 'back'
  readonly readOnly: boolean
  readonly space: string
  /** Over HTTP … */
  readonly server?: { readonly url: string; readonly token: string }
  /** … or straight on the store. */
  readonly store?: { readonly redis: string; readonly folder: string; readonly owner: string }
}

const settings: MountSettings = JSON.parse(process.argv[2] ?? '{}')
const say = (message: string) => process.stderr.write(`${message}\n`)
const log = { info: say, warn: say, error: say }

async function openVolume({ space, server, store }: MountSettings): Promise<Volume> {
  if (server) return openRemoteVolume({ server: server.url, token: server.token, space })
  if (!store) throw new Error('No space to mount.')
  const { redis, folder, owner } = store
  const client = await connectRedis(redis, { name: 'mount' })
  const blobs = new LocalBlobStore(folder, { durability: 'os' })
  await blobs.open()
  const directory = new Directory(client)
  const tree = new Spaces(client, { mayWrite: (account, id) => directory.visible.mayWrite(account, id) })
  const watcher = new Watcher(await connectRedis(redis, { name: 'watcher' }))
  return openDirectVolume({ tree, blobs, directory, watcher, log, owner, space })
}

const { dir, cacheDir, write, readOnly, space } = settings
let mounted: Mounted | undefined
const { fs } = await openFileSystem(await openVolume(settings), {
  ...{ cacheDir, write, readOnly, log, cacheBytes: 1_000_000_000, host: 'test' },
  invalidate: (changes) => mounted?.invalidate(changes),
})
mounted = await mountFuse(dir, fs, { name: space, log, readOnly })
process.on('SIGTERM', () => mounted?.unmount())
process.stdout.write('ready\n')
await mounted.done
await fs.close()
process.exit()
