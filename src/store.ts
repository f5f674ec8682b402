import { Directory } from './accounts/directory.js'
import { type BoundPlace, bindStore, bucketPlace, folderPlace } from './binding.js'
import { LocalBlobStore } from './blobs/local/store.js'
import { RedisNotes } from './blobs/redis-notes.js'
import type { S3BlobStore } from './blobs/s3/store.js'
import type { BlobStore } from './blobs/store.js'
import type { StoreConfig } from './config.js'
import type { Log } from './log.js'
import { connectRedis } from './redis/connect.js'
import { type EmbeddedRedis, startEmbeddedRedis } from './redis/embedded.js'
import { DataDirInUseError, type HolderRole } from './redis/lock.js'
import type { RedisClient } from './redis/scripts.js'
import { Spaces } from './space/spaces.js'

/** The parts that hold data, opened. Servers and commands alike begin with one. */
export interface Store {
  readonly redis: RedisClient
  /** Where other processes find the same Redis. */
  readonly redisUrl: string
  readonly directory: Directory
  readonly spaces: Spaces
  readonly blobs: BlobStore
  /** Addresses in the bucket; absent where there is none. */
  readonly presign?: S3BlobStore['presign']
  /** A further connection to the same Redis; whoever asks for it ends it. */
  connect(name: string): Promise<RedisClient>
  /** Ends background work, then connections, then the embedded Redis where this process runs it. */
  close(): Promise<void>
}

/** How long a command waits for a server's Redis to load its data. */
const JOIN_PATIENCE = 60_000

/**
 * Opens the store that the settings name. With the embedded Redis: a server must be the data folder's only one, a command
 * joins the running server, or runs the Redis itself for as long as it takes.
 * Rejects with an Error whose message says what to do.
 */
export async function openStore(config: StoreConfig, role: HolderRole, log: Log): Promise<Store> {
  const source = await redisSource(config, role, log)
  const connect = (name: string) =>
    connectRedis(source.url, {
      name: `novem-${name}`,
      log,
      patience: source.patience,
      replicas: config.redisWait ?? 0,
    })
  const closers: (() => unknown)[] = [() => source.embedded?.stop()]
  try {
    const redis = await connect(role)
    closers.unshift(() => redis.disconnect())
    const { blobs, place, presign } = await blobStore(config, redis)
    closers.unshift(() => blobs.close())
    await blobs.open()
    await bindStore(redis, place)
    const directory = new Directory(redis)
    const spaces = new Spaces(redis, {
      failed: (error) => log.error(`Background work on a space failed: ${String(error)}`),
      blobs,
      mayWrite: (account, space) => directory.visible.mayWrite(account, space),
    })
    closers.unshift(() => spaces.close())
    return {
      redis,
      redisUrl: source.url,
      directory,
      spaces,
      blobs,
      connect,
      close: () => closeAll(closers),
      ...(presign && { presign }),
    }
  } catch (error) {
    await closeAll(closers)
    throw error
  }
}

/** The SDK is loaded only where it is needed: it takes longer than everything else together. */
async function blobStore(
  { s3, dataDir, durability }: StoreConfig,
  redis: RedisClient,
): Promise<Pick<Store, 'blobs' | 'presign'> & { readonly place: BoundPlace }> {
  if (!s3) return { blobs: new LocalBlobStore(dataDir, { durability }), place: folderPlace(dataDir) }
  const { S3BlobStore } = await import('./blobs/s3/store.js')
  const blobs = new S3BlobStore(s3, { notes: new RedisNotes(redis) })
  const presign: Store['presign'] = (...blob) => blobs.presign(...blob)
  return { blobs, place: bucketPlace(blobs.bucket), presign }
}

/** One after the other, in this order. */
export async function closeAll(closers: readonly (() => unknown)[]): Promise<void> {
  for (const close of closers) await close()
}

interface RedisSource {
  readonly url: string
  readonly patience: number
  readonly embedded?: EmbeddedRedis
}

async function redisSource(config: StoreConfig, role: HolderRole, log: Log): Promise<RedisSource> {
  const { dataDir, durability, redisUrl } = config
  if (redisUrl !== undefined) return { url: redisUrl, patience: 10_000 }
  try {
    const embedded = await startEmbeddedRedis({ dataDir, durability, role, log })
    return { url: embedded.socket, patience: 10_000, embedded }
  } catch (error) {
    if (role === 'command' && error instanceof DataDirInUseError && error.holder.role === 'server') {
      return { url: error.paths.redisSocket, patience: JOIN_PATIENCE }
    }
    throw error
  }
}
