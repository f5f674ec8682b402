import { mkdtemp, rm } from 'node:fs/promises'
import type { Redis } from 'ioredis'
import { bindStore, bucketPlace, folderPlace } from '../../src/binding.js'
import { LocalBlobStore } from '../../src/blobs/local/store.js'
import { RedisNotes } from '../../src/blobs/redis-notes.js'
import type { S3Place } from '../../src/blobs/s3/client.js'
import { S3BlobStore } from '../../src/blobs/s3/store.js'
import type { BlobStore } from '../../src/blobs/store.js'
import type { RedisClient } from '../../src/redis/scripts.js'
import { type TestRedis, type TestRedisOptions, testRedis } from './redis.js'
import { type TestCluster, testCluster } from './redis-cluster.js'
import { sharedS3 } from './s3.js'

/**
 * What test servers stand on, by NOVEM_TEST_SETUP: one Redis and a folder; the same with two servers that take turns; one
 * Redis and S3; a Redis Cluster and S3. `test/setups` runs the tests of all surfaces on each.
 */
export const SETUPS = ['local', 'pair', 's3', 'cluster'] as const
export type Setup = (typeof SETUPS)[number]

export const SETUP = chosen(process.env.NOVEM_TEST_SETUP || 'local')

function chosen(name: string): Setup {
  const known = SETUPS.find((setup) => setup === name)
  if (known) return known
  throw new Error(`NOVEM_TEST_SETUP is "${name}"; it must be one of ${SETUPS.join(', ')}.`)
}

/** For tests that kill their Redis or choose its settings: what a cluster does then is told by test/redis and test/faults. */
export const ownRedis = SETUP !== 'cluster'

/** Redis and bytes that belong together, and nobody else's. */
export interface Ground {
  readonly redis: TestRedis
  /** Where the bytes are, if they are in a folder. */
  readonly folder: string
  /** How many servers stand on it. */
  readonly servers: number
  /** A store of one server. */
  openBlobs(redis: RedisClient): Promise<BlobStore>
  stop(): Promise<void>
}

export async function ground(options: TestRedisOptions = {}): Promise<Ground> {
  const folder = await mkdtemp('/tmp/novem-http-')
  const onS3 = SETUP === 's3' || SETUP === 'cluster'
  const place = onS3 ? (await sharedS3()).place() : undefined
  const redis = SETUP === 'cluster' ? await clusterRedis(options) : await testRedis(options)
  return {
    redis,
    folder,
    servers: SETUP === 'pair' ? 2 : 1,
    openBlobs: (client) => openBlobs(place, folder, client),
    stop: async () => {
      await redis.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function openBlobs(place: S3Place | undefined, folder: string, redis: RedisClient): Promise<BlobStore> {
  if (place) {
    const blobs = new S3BlobStore(place, { notes: new RedisNotes(redis) })
    await blobs.open()
    await bindStore(redis, bucketPlace(blobs.bucket))
    return blobs
  }
  const blobs = new LocalBlobStore(folder, { durability: 'os' })
  await blobs.open()
  await bindStore(redis, folderPlace(folder))
  return blobs
}

/** Clusters of this process that nobody uses at the moment, and that are empty: making one takes some seconds. */
const idle: TestCluster[] = []

async function clusterRedis({ aof, settings }: TestRedisOptions): Promise<TestRedis> {
  if (aof) throw new Error('In this set-up Redis keeps no append-only file.')
  const rested = settings ? undefined : idle.pop()
  await rested?.wake()
  const cluster = rested ?? (await testCluster(settings))
  const cannot = () => Promise.reject(new Error('In this set-up Redis is a cluster, and not to be killed.'))
  return {
    socket: cluster.url,
    // Tests use of it what both have.
    connect: async (name) => (await cluster.connect(name)) as unknown as Redis,
    stop: async () => {
      if (settings) return cluster.stop()
      await cluster.rest()
      idle.push(cluster)
    },
    kill9: cannot,
    restart: cannot,
  }
}
