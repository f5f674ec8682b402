import type { AddressInfo } from 'node:net'
import test from 'ava'
import { Directory } from '../../src/accounts/directory.js'
import { Throttle } from '../../src/accounts/throttle.js'
import { createApp } from '../../src/http/app.js'
import { silentLog } from '../../src/log.js'
import { Spaces } from '../../src/space/spaces.js'
import { Watcher } from '../../src/space/watcher.js'
import { must, ownerOf, teamOf } from '../sharing/http.js'
import { json, jsonBody } from '../support/http.js'
import { type TestServer, type TestUser, testServer } from '../support/server.js'

let here: TestServer
let there: string
let stop: () => Promise<void>
test.before(async () => {
  here = await testServer()
  // Another server on the same Redis and blobs, that shares nothing else.
  const client = await here.redis.connect('elsewhere')
  const tree = new Spaces(client)
  const watcher = new Watcher(await here.redis.connect('elsewhere-watcher'))
  const { blobs } = here
  const parts = { tree, blobs, watcher, directory: new Directory(client), throttle: new Throttle(client) }
  const app = createApp({ ...parts, settings: {}, urlSecret: here.urlSecret, log: silentLog, health: {} })
  await app.listen({ port: 0, host: '127.0.0.1' })
  there = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
  stop = async () => {
    await app.close()
    watcher.close()
    await tree.close()
  }
})
test.after.always(async () => {
  await stop()
  await here.stop()
})

const SPACE = '/v1/users/olga/code/spaces/data'

/** What the other server answers at once, by novem and by WebDAV. */
async function seenThere({ token }: TestUser): Promise<number[]> {
  const headers = { authorization: `Bearer ${token}` }
  const paths = [`${SPACE}/content/a/f.txt`, '/dav/@olga~data/a/f.txt']
  const answers = await Promise.all(paths.map((path) => fetch(there + path, { headers })))
  return answers.map(({ status }) => status)
}

test('what one server takes away, the other refuses with the next request, on every surface', async (t) => {
  const olga = await ownerOf(here, 'olga')
  const paul = await here.user('paul')
  const { directory } = here
  const team = await teamOf(olga, 'team', paul)
  const member = '/v1/admin/groups/team/roles/members/paul'
  const invite = async (tag: string) => {
    const made = await olga.fetch('/v1/spaces/share', {
      method: 'POST',
      ...jsonBody({ tag, email: 'paul@example.org' }),
    })
    const { token } = await json(made)
    await must(paul, 'POST', '/v1/spaces/join', JSON.stringify({ token }))
    return token
  }
  const ends = async (what: string, revoke: () => Promise<unknown>, status = 404) => {
    t.deepEqual(await seenThere(paul), [200, 200], what)
    await revoke()
    t.deepEqual(await seenThere(paul), [status, status], what)
  }
  await must(olga, 'PUT', `${SPACE}/shared/${team}`)
  await ends('share', () => must(olga, 'DELETE', `${SPACE}/shared/${team}`))
  await must(olga, 'PUT', `${SPACE}/shared/${team}`)
  await ends('membership', () => must(olga, 'DELETE', member))
  const token = await invite('data')
  const rotated = await json(await must(olga, 'POST', `/v1/spaces/share/${token}/rotate`))
  t.like(await json(await fetch(`${there}/v1/spaces/token/${token}`)), { valid: false })
  await ends('invitation', () => must(olga, 'DELETE', `/v1/spaces/share/${rotated.token}`))
  await must(olga, 'PUT', `${SPACE}/tags/=all`)
  await invite('=all')
  await ends('tag', () => must(olga, 'DELETE', `${SPACE}/tags/=all`))
  await must(olga, 'PUT', `${SPACE}/tags/=all`)
  for (const name of ['paul', 'olga']) {
    await ends(`flag of ${name}`, () => directory.setAccount(name, { spacesEnabled: false }))
    await directory.setAccount(name, { spacesEnabled: true })
  }
  await ends('token', () => must(paul, 'DELETE', '/v1/admin/tokens/test'), 401)
})
