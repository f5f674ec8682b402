import test from 'ava'
import { invitationsRoot } from '../../src/http/invitations/tree.js'
import { type TestServer, testServer } from '../support/server.js'
import { routesOf } from './routes.js'
import { complaintsOf, optionsComplaints, plansOf } from './runner.js'
import { INVITATIONS, patternsOf } from './table.js'
import { world } from './world.js'

let server: TestServer
test.before(async () => {
  server = await testServer()
})
test.after.always(() => server.stop())

/** `healthz` and `readyz` know no spaces; `dav`, `novem` and `storage` have test files of their own. */
const SURFACES = ['dav', 'healthz', 'invitations', 'join', 'novem', 'readyz', 'storage']
const ROUTES = routesOf(invitationsRoot())

test('every surface has its table', (t) => {
  t.deepEqual([...server.app.surfaces].sort(), SURFACES)
})

test('the table has every route of invitations, and no other', (t) => {
  const there = ROUTES.map(({ verb, pattern }) => `${verb} ${pattern}`)
  t.deepEqual(patternsOf(INVITATIONS).sort(), there.sort())
})

test('each role gets what it may by invitations, and not a row more', async (t) => {
  const complaints = await complaintsOf(server, plansOf(INVITATIONS, ROUTES))
  t.deepEqual(complaints, [], complaints.join('\n'))
  t.deepEqual(server.errors, [])
})

test('OPTIONS of any path of invitations tells nothing', async (t) => {
  const patterns = new Set(ROUTES.map(({ pattern }) => pattern))
  t.deepEqual(await optionsComplaints(await world(server), [...patterns]), [])
})

test('the page of an invitation shows what the preview shows, and nothing without its token', async (t) => {
  const page = (one: object) => ({
    method: 'GET',
    pattern: '/join',
    one: { of: 'open' as const, ...one },
    safe: true,
  })
  const complaints = await complaintsOf(server, [
    page({ query: '?token={token}', shows: ['name'] }),
    page({ of: 'missing', query: '?token=shr_unknown' }),
  ])
  t.deepEqual(complaints, [], complaints.join('\n'))
})
