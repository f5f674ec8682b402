import test from 'ava'
import { startServerProcess } from '../support/cli.js'
import { tempFolder } from '../support/folder.js'
import { testRedis } from '../support/redis.js'
import { type DavRequest, davOf, lockToken, propfindBody, refusedFor, toldOne } from './support.js'

/** Locks and dead properties are kept with the tree: every process sees them, and so does the next one. */

const PATCH =
  '<propertyupdate xmlns="DAV:"><set><prop><x xmlns="urn:x:">kept</x></prop></set></propertyupdate>'
const ASK = '<propfind xmlns="DAV:"><prop><lockdiscovery/><x xmlns="urn:x:"/></prop></propfind>'

function ask({ url }: { readonly url: string }, token: string): DavRequest {
  return davOf({ port: Number(new URL(url).port) }, { token })
}

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  test(`they survive a restart of server and Redis by ${signal}`, async (t) => {
    const data = tempFolder(t)
    const settings = { DURABILITY: 'full' }
    const first = await startServerProcess(data, settings)
    t.teardown(() => first.end('SIGKILL'))
    const user = first.token ?? ''
    const before = ask(first, user)
    t.is((await before('PUT', '/dav/files/a', {}, 'x')).status, 201)
    t.is((await before('PROPPATCH', '/dav/files/a', {}, PATCH)).status, 207)
    const token = await lockToken(before, '/dav/files/a')
    await first.end(signal)
    const second = await startServerProcess(data, settings)
    t.teardown(() => second.end('SIGTERM'))
    const after = ask(second, user)
    const found = toldOne(await after('PROPFIND', '/dav/files/a', { depth: '0' }, ASK))
    t.is(found.text('{urn:x:}x'), 'kept')
    t.true(found.text('lockdiscovery')?.includes(token))
    refusedFor(t, await after('PUT', '/dav/files/a', {}, 'y'), 423, 'lock-token-submitted')
    t.is((await after('PUT', '/dav/files/a', { if: `(<${token}>)` }, 'y')).status, 204)
  })
}

test('a second process sees them, honours them and ends them', async (t) => {
  const redis = await testRedis()
  t.teardown(() => redis.stop())
  const data = tempFolder(t)
  const settings = { REDIS_URL: redis.socket }
  const one = await startServerProcess(data, settings)
  t.teardown(() => one.end('SIGTERM'))
  const two = await startServerProcess(data, settings)
  t.teardown(() => two.end('SIGTERM'))
  const [here, there] = [ask(one, one.token ?? ''), ask(two, one.token ?? '')]
  t.is((await here('PUT', '/dav/files/a', {}, 'x')).status, 201)
  const token = await lockToken(here, '/dav/files/a')
  t.is((await there('PROPPATCH', '/dav/files/a', {}, PATCH)).status, 423)
  t.is((await there('PROPPATCH', '/dav/files/a', { if: `(<${token}>)` }, PATCH)).status, 207)
  const found = toldOne(await here('PROPFIND', '/dav/files/a', { depth: '0' }, ASK))
  t.is(found.text('{urn:x:}x'), 'kept')
  const content = `${two.url}/v1/code/spaces/files/content/a`
  const headers = { authorization: `Bearer ${one.token}` }
  t.is((await fetch(content, { method: 'DELETE', headers })).status, 423)
  t.is((await there('UNLOCK', '/dav/files/a', { 'lock-token': `<${token}>` })).status, 204)
  const none = toldOne(await here('PROPFIND', '/dav/files/a', { depth: '0' }, propfindBody('lockdiscovery')))
  t.is(none.text('lockdiscovery'), '')
  t.is((await here('DELETE', '/dav/files/a')).status, 204)
})
