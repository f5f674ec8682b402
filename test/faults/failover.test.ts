import test from 'ava'
import { testCluster } from '../support/redis-cluster.js'
import { testSentinel } from '../support/redis-sentinel.js'
import { noS3, sharedS3 } from '../support/s3.js'
import { survives } from './survival.js'

/**
 * A master of Redis is killed under load, and another takes its place. Writes wait for all replicas (REDIS_WAIT), so what was
 * acknowledged is there, whichever of them it is.
 */

const ROUNDS = process.env.NOVEM_TEST_LONG === '1' ? 10 : 1
const pause = () => new Promise((resolve) => setTimeout(resolve, 50))

test.serial('Sentinel: the master is killed', async (t) => {
  const redis = await testSentinel()
  t.teardown(() => redis.stop())
  await survives(t, {
    rounds: ROUNDS,
    settings: { REDIS_URL: redis.url, REDIS_WAIT: '2', DURABILITY: 'os' },
    config: { redisUrl: redis.url, redisWait: 2 },
    harm: async () => {
      const master = await redis.master()
      await master.signal('SIGKILL')
      while ((await redis.master()) === master) await pause()
      await master.start()
      await redis.isWhole()
    },
  })
})

test.serial('Cluster and S3: the masters of the space and of the accounts are killed', async (t) => {
  const without = noS3()
  if (without !== undefined) {
    t.log(`Not run: ${without}.`)
    t.pass()
    return
  }
  const [cluster, s3] = await Promise.all([testCluster(), sharedS3()])
  t.teardown(() => cluster.stop())
  const place = s3.place()
  const { bucket, prefix, endpoint = '' } = place
  await survives(t, {
    rounds: ROUNDS,
    settings: { REDIS_URL: cluster.url, REDIS_WAIT: '1', ...s3.settings(place) },
    config: { redisUrl: cluster.url, redisWait: 1, s3: { bucket, prefix, endpoint } },
    harm: async () => {
      for (const key of ['{acct}', '{blobs:0}']) {
        const master = await cluster.masterOf(key)
        await master.server.signal('SIGKILL')
        while ((await cluster.masterOf(key)).port === master.port) await pause()
        await master.server.start()
        await cluster.isWhole()
      }
    },
  })
})
