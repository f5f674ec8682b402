import test from 'ava'
import { novemRoot } from '../../src/http/novem/tree.js'
import { storageRoot } from '../../src/http/storage/tree.js'
import { type TestServer, testServer } from '../support/server.js'
import { DAV } from './dav-table.js'
import { routesOf } from './routes.js'
import { differencesOf, plansOf } from './runner.js'
import { NOVEM, STORAGE } from './table.js'
import { world } from './world.js'

let server: TestServer
test.before(async () => {
  server = await testServer()
})
test.after.always(() => server.stop())

for (const [title, planned] of [
  ['novem', plansOf(NOVEM, routesOf(novemRoot()))],
  ['storage', plansOf(STORAGE, routesOf(storageRoot()))],
  ['WebDAV', DAV],
] as const) {
  test(`what is hidden is not to be told from what does not exist: ${title}`, async (t) => {
    const differences = await differencesOf(await world(server), planned)
    t.deepEqual(differences, [], differences.slice(0, 20).join('\n\n'))
  })
}
