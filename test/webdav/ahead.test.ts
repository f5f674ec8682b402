import test from 'ava'
import { overriding } from '../support/overriding.js'
import { type TestServer, testServer } from '../support/server.js'
import { type DavRequest, davOf } from './support.js'

/** Reading begins before it is known who asks, on the guess that nothing has changed: what must never be seen is a wrong guess. */

let server: TestServer
let dav: DavRequest
let asked: string[] = []
let answering: Promise<void> | undefined

test.before(async () => {
  server = await testServer({
    wrap: (deps) => {
      const { directory, tree } = deps
      const load: typeof directory.load = async (...args) => {
        asked.push('who')
        await answering
        return directory.load(...args)
      }
      const look: typeof tree.look = (...args) => {
        asked.push('entry')
        return tree.look(...args)
      }
      return { ...deps, directory: overriding(directory, { load }), tree: overriding(tree, { look }) }
    },
  })
  dav = davOf(server, server)
  await server.fetch('/v1/code/spaces/s', { method: 'PUT' })
  await dav('PUT', '/dav/s/a', {}, 'bytes')
})
test.after.always(() => server.stop())

test.serial('the second time both questions leave before either is answered', async (t) => {
  await dav('GET', '/dav/s/a')
  asked = []
  let answer = () => {}
  answering = new Promise((resolve) => {
    answer = resolve
  })
  const reading = dav('GET', '/dav/s/a')
  while (asked.length < 2) await new Promise((resolve) => setImmediate(resolve))
  t.deepEqual(asked, ['who', 'entry'])
  answer()
  t.is((await reading).text, 'bytes')
  t.deepEqual(asked, ['who', 'entry'])
})

test.serial('what was read for a space is not that of another one under its name', async (t) => {
  t.is((await dav('GET', '/dav/s/a')).status, 200)
  await server.fetch('/v1/code/spaces/s', { method: 'DELETE' })
  t.is((await dav('GET', '/dav/s/a')).status, 404)
  await server.fetch('/v1/code/spaces/s', { method: 'PUT' })
  t.is((await dav('GET', '/dav/s/a')).status, 404)
  await dav('PUT', '/dav/s/a', {}, 'other')
  t.is((await dav('GET', '/dav/s/a')).text, 'other')
})

test.serial('what was read with a token is nobody’s once it is revoked', async (t) => {
  const bob = await server.user('bob')
  await bob.fetch('/v1/code/spaces/s', { method: 'PUT' })
  const his = davOf(server, bob)
  await his('PUT', '/dav/s/a', {}, 'bytes')
  t.is((await his('GET', '/dav/s/a')).status, 200)
  const [token] = await server.directory.listTokens(bob.account.id)
  await server.directory.revokeToken(bob.account.id, token?.id ?? '')
  t.is((await his('GET', '/dav/s/a')).status, 401)
  t.is((await his('PROPFIND', '/dav/s/a', { depth: '0' })).status, 401)
})

test.serial('an account whose early access ends sees nothing', async (t) => {
  const eve = await server.user('eve')
  await eve.fetch('/v1/code/spaces/s', { method: 'PUT' })
  const hers = davOf(server, eve)
  await hers('PUT', '/dav/s/a', {}, 'bytes')
  t.is((await hers('GET', '/dav/s/a')).status, 200)
  await server.directory.setAccount('eve', { spacesEnabled: false })
  t.is((await hers('GET', '/dav/s/a')).status, 404)
})
