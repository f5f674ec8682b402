import test from 'ava'
import { openDirectVolume } from '../../mount/direct.js'
import { Watcher } from '../../src/space/watcher.js'
import { type TestServer, testServer } from '../support/server.js'
import {
  at,
  fails,
  type MakeMounted,
  namesIn,
  newSpace,
  put,
  textOf,
  watchedServer,
} from './support/volumes.js'
import { volumeConformance } from './volume.js'
import { followConformance } from './volume-follow.js'
import { streamConformance } from './volume-streams.js'

const SMALL = { fileBytes: 200_000, spaceBytes: 300_000, entries: 4 }

let server: TestServer
let watcher: Watcher
let stop: () => Promise<void>
test.before(async () => {
  ;({ server, watcher, stop } = await watchedServer({
    settings: { heartbeatMs: 50 },
    plans: { free: SMALL },
  }))
})
test.after.always(() => stop())

const log = { info() {}, warn() {}, error() {} }

function parts({ spaces: tree, blobs, directory }: TestServer, to: Watcher) {
  return { tree, blobs, directory, watcher: to, log, heartbeatMs: 50 }
}

const make: MakeMounted = async (t, plan) => {
  const made = await newSpace(server, plan)
  const owner = made.owner.account.name
  const volume = await openDirectVolume({ ...parts(server, watcher), owner, space: made.space })
  t.teardown(() => volume.close())
  return { ...made, volume }
}

volumeConformance(test, make)
streamConformance(test, make)
followConformance(test, make)

test('only a space that is there can be opened, under its owner’s name', async (t) => {
  const { owner, space } = await newSpace(server)
  const { name } = owner.account
  for (const [of, called] of [
    [name, 'no'],
    ['nobody', space],
    ['', ''],
  ] as const)
    await fails(t, 'NOT_FOUND', openDirectVolume({ ...parts(server, watcher), owner: of, space: called }))
  const volume = await openDirectVolume({ ...parts(server, watcher), owner: name, space })
  t.is((await volume.info()).name, `@${name}~${space}`)
})

test('an account whose spaces are switched off has none, from the next operation on', async (t) => {
  const { volume, owner } = await make(t)
  await put(volume, 'f')
  await server.directory.setAccount(owner.account.name, { spacesEnabled: false })
  await fails(t, 'NOT_FOUND', put(volume, 'g'))
  await server.directory.setAccount(owner.account.name, { spacesEnabled: true })
  t.deepEqual(await namesIn(volume), ['f'])
})

test('without Redis everything is UNAVAILABLE, and goes on when it is back', async (t) => {
  const other = await testServer({ redis: { aof: 'always' } })
  const awaken = new Watcher(await other.redis.connect('mount'))
  t.teardown(async () => {
    awaken.close()
    await other.stop()
  })
  const { owner, space } = await newSpace(other)
  const options = { ...parts(other, awaken), owner: owner.account.name, space }
  const volume = await openDirectVolume(options)
  await put(volume, 'f', 'bytes')
  const { cursor } = await volume.info()
  const feed = volume.follow(cursor, new AbortController().signal)[Symbol.asyncIterator]()
  await feed.next()
  await other.redis.kill9()
  const next = async () => {
    for (;;) await feed.next()
  }
  await Promise.all([
    fails(t, 'UNAVAILABLE', volume.stat(at('f'))),
    fails(t, 'UNAVAILABLE', put(volume, 'g', Buffer.alloc(100_000))),
    fails(t, 'UNAVAILABLE', next()),
  ])
  await other.redis.restart()
  t.is(await textOf(volume, 'f'), 'bytes')
  for await (const { seq } of volume.follow(cursor, new AbortController().signal)) {
    t.is(seq, 1)
    break
  }
})
