import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { Worker } from 'node:worker_threads'
import test from 'ava'
import { HashThread } from '../../src/blobs/hash-thread.js'
import { LocalBlobStore } from '../../src/blobs/local/store.js'
import { all, FUTURE, failsWith, handFed, md5, NO_LIMIT, newSpace, ownFolder } from './support.js'

test.serial(
  'whoever waits for digests, or asks for them later, is told that the thread has died',
  async (t) => {
    const started = once(process, 'worker') as Promise<[Worker]>
    const hashing = new HashThread()
    const waits = failsWith(t, 'UNAVAILABLE', /thread/, () => hashing.finish(hashing.begin(['md5'])))
    const [thread] = await started
    t.false(hashing.hasEnded)
    await thread.terminate()
    await waits
    t.true(hashing.hasEnded)
    const late = hashing.begin(['md5'])
    await failsWith(t, 'UNAVAILABLE', /thread/, () => hashing.update(late, () => 1))
    await failsWith(t, 'UNAVAILABLE', /thread/, () => hashing.finish(late))
  },
)

test.serial('a thread that dies fails the uploads that need it, and none after them', async (t) => {
  const store = new LocalBlobStore(await ownFolder(t), { durability: 'os' })
  await store.open()
  t.teardown(() => store.close())
  const space = newSpace()
  const bytes = randomBytes(3_000_000)
  const large = { ...NO_LIMIT, length: bytes.length }
  const started = once(process, 'worker') as Promise<[Worker]>

  // One waits for the client, the others for the thread: more than can be on their way to it.
  const halfWay = handFed()
  const putting = [
    store.put(space, halfWay, large),
    ...Array.from({ length: 3 }, () => store.put(space, Buffer.alloc(50_000_000), NO_LIMIT)),
  ]
  halfWay.push(bytes.subarray(0, 1_500_000))
  const failed = putting.map((one) => failsWith(t, 'UNAVAILABLE', /thread/, () => one))
  const [thread] = await started
  await thread.terminate()
  halfWay.push(bytes.subarray(1_500_000))
  halfWay.push(null)
  await Promise.all(failed)
  t.deepEqual(await all(store.pending(FUTURE)), [])
  t.deepEqual(await all(store.list(space)), [])

  for (let n = 0; n < 2; n++) t.is((await store.put(space, bytes, NO_LIMIT)).md5, md5(bytes))
})
