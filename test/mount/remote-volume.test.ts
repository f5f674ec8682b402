import test from 'ava'
import { openRemoteVolume } from '../../mount/remote/volume.js'
import { type TestServer, testServer } from '../support/server.js'
import { type MakeMounted, newSpace } from './support/volumes.js'
import { volumeConformance } from './volume.js'
import { followConformance } from './volume-follow.js'
import { streamConformance } from './volume-streams.js'

const SMALL = { fileBytes: 200_000, spaceBytes: 300_000, entries: 4 }

let server: TestServer
test.before(async () => {
  server = await testServer({ settings: { heartbeatMs: 50 }, plans: { free: SMALL } })
})
test.after.always(() => server.stop())

const make: MakeMounted = async (t, plan) => {
  const made = await newSpace(server, plan)
  const { token } = made.owner
  const volume = await openRemoteVolume({ server: server.url, token, space: made.space })
  t.teardown(() => volume.close())
  return { ...made, volume }
}

volumeConformance(test, make)
streamConformance(test, make)
followConformance(test, make)
