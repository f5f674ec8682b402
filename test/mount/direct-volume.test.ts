import test from 'ava'
import { openDirectVolume } from '../../mount/direct.js'
import { Watcher } from '../../src/space/watcher.js'
import { type TestServer, testServer } from '../support/server.js'
import { type MakeMounted, newSpace } from './support/volumes.js'
import { volumeConformance } from './volume.js'
import { followConformance } from './volume-follow.js'
import { streamConformance } from './volume-streams.js'

const SMALL = { fileBytes: 200_000, spaceBytes: 300_000, entries: 4 }

let server: TestServer
let watcher: Watcher
test.before(async () => {
  server = await testServer({ settings: { heartbeatMs: 50 }, plans: { free: SMALL } })
  watcher = new Watcher(await server.redis.connect('mount'))
})
test.after.always(async () => {
  watcher.close()
  await server.stop()
})

const log = { info() {}, warn() {}, error() {} }

const make: MakeMounted = async (t, plan) => {
  const made = await newSpace(server, plan)
  const { spaces: tree, blobs, directory } = server
  const owner = made.owner.account.name
  const volume = await openDirectVolume({
    ...{ tree, blobs, directory, watcher, log },
    ...{ owner, space: made.space, heartbeatMs: 50 },
  })
  t.teardown(() => volume.close())
  return { ...made, volume }
}

volumeConformance(test, make)
streamConformance(test, make)
followConformance(test, make)
