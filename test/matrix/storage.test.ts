import test from 'ava'
import { storageRoot } from '../../src/http/storage/tree.js'
import { type TestServer, testServer } from '../support/server.js'
import { routesOf } from './routes.js'
import { complaintsOf, optionsComplaints, plansOf } from './runner.js'
import { patternsOf, STORAGE } from './table.js'
import { world } from './world.js'

let server: TestServer
test.before(async () => {
  server = await testServer()
})
test.after.always(() => server.stop())

const ROUTES = routesOf(storageRoot())

test('the table has every route of storage, and no other', (t) => {
  const there = ROUTES.map(({ verb, pattern }) => `${verb} ${pattern}`)
  t.deepEqual(patternsOf(STORAGE).sort(), there.sort())
})

test('each role gets what it may by storage, and not a row more', async (t) => {
  const complaints = await complaintsOf(server, plansOf(STORAGE, ROUTES))
  t.deepEqual(complaints, [], complaints.join('\n'))
  t.deepEqual(server.errors, [])
})

test('OPTIONS of any path of storage tells nothing', async (t) => {
  const patterns = new Set(ROUTES.map(({ pattern }) => pattern))
  t.deepEqual(await optionsComplaints(await world(server), [...patterns]), [])
})
