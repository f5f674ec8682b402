import test, { type ExecutionContext } from 'ava'
import { startServerProcess } from '../support/cli.js'
import { Random } from '../support/random.js'
import { testRedis } from '../support/redis.js'
import { noS3, ownS3, sharedS3 } from '../support/s3.js'
import { type S3Fault, S3Proxy } from '../support/s3-proxy.js'
import { survives } from './survival.js'

/** An S3 that stumbles, stands still, or hears of a killed server nothing more: under load, against manifests. */

const without = noS3()
const LONG = process.env.NOVEM_TEST_LONG === '1'
const FAULTS: readonly S3Fault[] = [500, 503, 'refuse', 'lose-answer', 'half-answer']

function possible(t: ExecutionContext): boolean {
  if (without === undefined) return true
  t.log(`Not run: ${without}.`)
  t.pass()
  return false
}

/** A Redis that survives the server. */
async function ownRedis(t: ExecutionContext): Promise<string> {
  const redis = await testRedis()
  t.teardown(() => redis.stop())
  return redis.socket
}

test('S3 answers 500 or 503, breaks off before, after and in the middle: nobody notices', async (t) => {
  if (!possible(t)) return
  const [s3, redisUrl] = [await sharedS3(), await ownRedis(t)]
  const proxy = await S3Proxy.start(s3.endpoint)
  t.teardown(() => proxy.stop())
  const random = Random.seeded()
  t.log(`seed ${random.seed}`)
  const { bucket, prefix } = s3.place()
  const s3Config = { bucket, prefix, endpoint: proxy.endpoint }
  await survives(t, {
    rounds: LONG ? 10 : 1,
    goesOn: true,
    settings: { REDIS_URL: redisUrl, S3_BUCKET: bucket, S3_ENDPOINT: proxy.endpoint },
    config: { redisUrl, s3: s3Config },
    harm: async () => {
      // One request of ten, over and over, none of them four times in a row.
      proxy.struck = 0
      const enough = LONG ? 100 : 20
      while (proxy.struck < enough) {
        const before = proxy.struck
        proxy.plan(() => random.chance(0.1), random.pick(FAULTS))
        while (proxy.struck === before) await new Promise((resolve) => setTimeout(resolve, 5))
      }
      proxy.heal()
    },
  })
})

test('the server is killed: no half blob, no forgotten upload stays', async (t) => {
  if (!possible(t)) return
  const [s3, redisUrl] = [await sharedS3(), await ownRedis(t)]
  const { bucket, prefix, endpoint = '' } = s3.place()
  await survives(t, {
    rounds: LONG ? 10 : 1,
    settings: { REDIS_URL: redisUrl, ...s3.settings({ bucket, prefix }) },
    config: { redisUrl, s3: { bucket, prefix, endpoint } },
    harm: async (scene) => {
      await scene.server.end('SIGKILL')
      scene.server = await startServerProcess(scene.dataDir, scene.settings)
    },
  })
})

const testLong = LONG ? test : test.skip
testLong('the gateway stands still for some seconds', async (t) => {
  if (!possible(t)) return
  const [s3, redisUrl] = [await ownS3(), await ownRedis(t)]
  t.teardown(() => s3.stop())
  const { bucket, prefix, endpoint = '' } = s3.place()
  await survives(t, {
    rounds: 3,
    goesOn: true,
    settings: { REDIS_URL: redisUrl, ...s3.settings({ bucket, prefix }) },
    config: { redisUrl, s3: { bucket, prefix, endpoint } },
    harm: async () => {
      process.kill(s3.pid, 'SIGSTOP')
      await new Promise((resolve) => setTimeout(resolve, 4000))
      process.kill(s3.pid, 'SIGCONT')
    },
  })
})
