import test, { type ExecutionContext } from 'ava'
import { invitationsRoot } from '../../src/http/invitations/tree.js'
import { novemRoot } from '../../src/http/novem/tree.js'
import { storageRoot } from '../../src/http/storage/tree.js'
import { type TestServer, testServer } from '../support/server.js'
import { DAV } from './dav-table.js'
import { type Route, routesOf } from './routes.js'
import { answerTo, complaintsOf, optionsComplaints, plansOf } from './runner.js'
import { INVITATIONS, NOVEM, patternsOf, STORAGE } from './table.js'
import { world } from './world.js'

let server: TestServer
test.before(async () => {
  server = await testServer()
})
test.after.always(() => server.stop())

const ROUTES = routesOf(novemRoot())

test('the table has every route of the surface, and no other', (t) => {
  const there = ROUTES.map(({ verb, pattern }) => `${verb} ${pattern}`)
  t.deepEqual(patternsOf(NOVEM).sort(), there.sort())
})

const PARTS = {
  'spaces at their canonical paths': '/v1/users/:user/code',
  'spaces in the own account': '/v1/code',
  'groups by their owners': '/v1/users/:user/groups',
  'groups by their full names': '/v1/groups',
  'groups where they are managed': '/v1/admin/groups',
  organisations: '/v1/orgs',
  'organisations where they are managed': '/v1/admin/orgs',
} as const
const isIn = (prefix: string) => (route: Route) => route.pattern.startsWith(prefix)

for (const [title, prefix] of Object.entries(PARTS)) {
  test(`each role gets what it may, and not a row more: ${title}`, (t) =>
    passes(t, ROUTES.filter(isIn(prefix))))
}

test('each role gets what it may, and not a row more: all else', (t) =>
  passes(
    t,
    ROUTES.filter((route) => !Object.values(PARTS).some((prefix) => isIn(prefix)(route))),
  ))

test('the secrets are where the matrix looks for them: their owner is shown each one', async (t) => {
  const here = await world(server)
  const plans = [
    ...plansOf(NOVEM, ROUTES),
    ...plansOf(INVITATIONS, routesOf(invitationsRoot())),
    ...plansOf(STORAGE, routesOf(storageRoot())),
    ...DAV,
  ]
  const reading = plans.filter(({ safe }) => safe)
  const answers = await Promise.all(reading.map((plan) => answerTo(here, 'owner', plan)))
  const shown = answers.join('\n')
  const missing = here.secrets.filter(({ home, text }) => home === 'open' && !shown.includes(text))
  t.deepEqual(missing, [])
})

test('OPTIONS of any path tells nothing', async (t) => {
  const patterns = new Set(ROUTES.map(({ pattern }) => pattern))
  t.deepEqual(await optionsComplaints(await world(server), [...patterns]), [])
})

async function passes(t: ExecutionContext, routes: readonly Route[]): Promise<void> {
  const planned = plansOf(NOVEM, routes)
  t.true(planned.length > 0)
  const complaints = await complaintsOf(server, planned)
  t.deepEqual(complaints, [], complaints.join('\n'))
  t.deepEqual(server.errors, [])
}
