import test from 'ava'
import { COMMANDS } from '../../src/webdav/commands/index.js'
import { type TestServer, testServer } from '../support/server.js'
import { DAV, DAV_METHODS } from './dav-table.js'
import { complaintsOf } from './runner.js'

let server: TestServer
test.before(async () => {
  server = await testServer()
})
test.after.always(() => server.stop())

test('the table has every WebDAV method', (t) => {
  t.deepEqual([...DAV_METHODS].sort(), Object.keys(COMMANDS).sort())
})

test('each role gets what it may by WebDAV, and not a row more', async (t) => {
  const complaints = await complaintsOf(server, DAV)
  t.deepEqual(complaints, [], complaints.join('\n'))
  t.deepEqual(server.errors, [])
})
