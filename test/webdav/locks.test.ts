import test from 'ava'
import { contentOf, refuses } from '../support/http.js'
import { withServer } from './fixture.js'
import {
  davOf,
  journal,
  lockBody,
  lockToken,
  propfindBody,
  refusedAs,
  refusedFor,
  share,
  told,
  toldOne,
} from './support.js'

const on = withServer()
const { dav, space } = on

test('LOCK answers 200 with the lock, its token in brackets, and what the client said of itself', async (t) => {
  const { root } = await space()
  await dav('PUT', `${root}/a`, {}, 'x')
  const owner = '<D:href>http://me.example/</D:href><x:y xmlns:x="urn:x:">é &amp; &lt;</x:y>'
  const { status, headers, text } = await dav(
    'LOCK',
    `${root}/a`,
    { timeout: 'Infinite, Second-600' },
    lockBody('exclusive', owner),
  )
  t.is(status, 200)
  t.regex(headers['lock-token'] ?? '', /^<urn:uuid:[\da-f-]{36}>$/)
  t.true(text.includes(owner), text)
  t.regex(text, /<D:timeout>Second-(3600|3599)<\/D:timeout>/)
  t.true(text.includes(`<D:lockroot><D:href>${root}/a</D:href></D:lockroot>`), text)
  const short = await dav('LOCK', `${root}/b`, { timeout: 'Second-600' }, lockBody())
  t.regex(short.text, /<D:timeout>Second-(600|599)<\/D:timeout>/)
})

test('a locked file is changed only with the token, by every method, and the 423 names the lock', async (t) => {
  const { root } = await space()
  await dav('PUT', `${root}/a`, {}, 'x')
  const token = await lockToken(dav, `${root}/a`)
  const patch =
    '<propertyupdate xmlns="DAV:"><set><prop><x xmlns="urn:x:">1</x></prop></set></propertyupdate>'
  const ways = [
    ['PUT', `${root}/a`, {}, 'y'],
    ['PROPPATCH', `${root}/a`, {}, patch],
    ['MOVE', `${root}/a`, { destination: `${root}/b` }, ''],
    ['DELETE', `${root}/a`, {}, ''],
  ] as const
  for (const [method, path, headers, body] of ways) {
    refusedFor(t, await dav(method, path, headers, body), 423, 'lock-token-submitted', `${root}/a`)
  }
  await dav('PUT', `${root}/other`, {}, 'o')
  const over = { destination: `${root}/a` }
  refusedFor(t, await dav('COPY', `${root}/other`, over), 423, 'lock-token-submitted', `${root}/a`)
  t.is((await dav('COPY', `${root}/a`, { destination: `${root}/copy` })).status, 201)
  for (const [method, path, headers, body] of ways) {
    const { status, text } = await dav(method, path, { ...headers, if: `(<${token}>)` }, body)
    t.true(status < 300, `${method} ${status} ${text}`)
    if (method === 'MOVE') break
  }
})

test('a lock ends with a move, and with a delete; it does not come along with a copy', async (t) => {
  const { root } = await space()
  const locked = async (path: string) => {
    const found = await dav('PROPFIND', path, { depth: '0' }, propfindBody('lockdiscovery'))
    return found.text.includes('activelock')
  }
  await dav('PUT', `${root}/a`, {}, 'x')
  const token = await lockToken(dav, `${root}/a`)
  await dav('COPY', `${root}/a`, { destination: `${root}/b` })
  t.true(await locked(`${root}/a`))
  t.false(await locked(`${root}/b`))
  await dav('MOVE', `${root}/a`, { destination: `${root}/c`, if: `(<${token}>)` })
  t.false(await locked(`${root}/c`))
  const again = await lockToken(dav, `${root}/c`)
  await dav('DELETE', `${root}/c`, { if: `(<${again}>)` })
  await dav('PUT', `${root}/c`, {}, 'new')
  t.false(await locked(`${root}/c`))
})

test('LOCK of a free name makes an empty file (201); not without its folder', async (t) => {
  const { name, root } = await space()
  const { status } = await dav('LOCK', `${root}/new.txt`, {}, lockBody())
  t.is(status, 201)
  const got = await dav('GET', `${root}/new.txt`)
  t.is(got.text, '')
  t.is(got.headers['content-type'], 'text/plain')
  refusedAs(t, await dav('LOCK', `${root}/no/new`, {}, lockBody()), 409, 'no/new')
  refusedAs(t, await dav('LOCK', `${root}/new.txt/x`, {}, lockBody()), 409)
  t.deepEqual(await journal(on.server, name), ['create new.txt'])
})

test('exclusive locks exclude, shared ones only exclusive ones: 423 no-conflicting-lock', async (t) => {
  const { root } = await space()
  await dav('PUT', `${root}/a`, {}, 'x')
  await lockToken(dav, `${root}/a`, {}, 'shared')
  await lockToken(dav, `${root}/a`, {}, 'shared')
  const third = await dav('LOCK', `${root}/a`, {}, lockBody())
  refusedFor(t, third, 423, 'no-conflicting-lock', `${root}/a`)
  const found = toldOne(await dav('PROPFIND', `${root}/a`, { depth: '0' }))
  t.is(found.properties.get('lockdiscovery')?.element.children.length, 2)
  await lockToken(dav, `${root}/b`)
  refusedFor(t, await dav('LOCK', `${root}/b`, {}, lockBody('shared')), 423, 'no-conflicting-lock')
})

test('a folder’s lock: depth infinity binds all below, depth 0 its members only', async (t) => {
  const { root } = await space()
  for (const path of ['deep', 'deep/d', 'flat', 'flat/d']) await dav('MKCOL', `${root}/${path}`)
  const deep = await lockToken(dav, `${root}/deep`, { depth: 'infinity' })
  const flat = await lockToken(dav, `${root}/flat`, { depth: '0' })
  refusedFor(t, await dav('PUT', `${root}/deep/d/x`, {}, 'x'), 423, 'lock-token-submitted', `${root}/deep`)
  t.is((await dav('PUT', `${root}/deep/d/x`, { if: `<${root}/deep> (<${deep}>)` }, 'x')).status, 201)
  t.is((await dav('PUT', `${root}/deep/d/x`, { if: `(<${deep}>)` }, 'x')).status, 204)
  t.is((await dav('PUT', `${root}/flat/d/x`, {}, 'x')).status, 201)
  refusedFor(t, await dav('MKCOL', `${root}/flat/e`), 423, 'lock-token-submitted', `${root}/flat`)
  refusedFor(t, await dav('DELETE', `${root}/flat/d`), 423, 'lock-token-submitted', `${root}/flat`)
  t.is((await dav('MKCOL', `${root}/flat/e`, { if: `<${root}/flat> (<${flat}>)` })).status, 201)
  const found = told(await dav('PROPFIND', `${root}/deep`, { depth: '1' }, propfindBody('lockdiscovery')))
  t.true(found.every((one) => one.text('lockdiscovery')?.includes(deep)))
  refusedAs(t, await dav('LOCK', `${root}/deep`, { depth: '1' }, lockBody()), 400, 'Depth')
})

test('what is locked below keeps a folder from being deleted, moved, or locked as a whole', async (t) => {
  const { root } = await space()
  await dav('MKCOL', `${root}/d`)
  await dav('PUT', `${root}/d/x`, {}, 'x')
  const token = await lockToken(dav, `${root}/d/x`)
  refusedFor(t, await dav('DELETE', `${root}/d`), 423, 'lock-token-submitted', `${root}/d/x`)
  refusedFor(t, await dav('MOVE', `${root}/d`, { destination: `${root}/e` }), 423, 'lock-token-submitted')
  const answer = await dav('LOCK', `${root}/d`, {}, lockBody())
  t.is(answer.status, 207)
  t.deepEqual(
    told(answer).map(({ href, status }) => [href, status]),
    [
      [`${root}/d/x`, 423],
      [`${root}/d/`, 424],
    ],
  )
  t.is((await dav('LOCK', `${root}/d`, { depth: '0' }, lockBody('shared'))).status, 200)
  t.is((await dav('DELETE', `${root}/d`, { if: `<${root}/d/x> (<${token}>)` })).status, 423)
})

test('a lock is refreshed with If, also by a path below it; by nothing else', async (t) => {
  const { root } = await space()
  await dav('MKCOL', `${root}/d`)
  await dav('PUT', `${root}/d/x`, {}, 'x')
  const token = await lockToken(dav, `${root}/d`, { timeout: 'Second-60' })
  const refresh = (path: string, headers: Record<string, string>) => dav('LOCK', `${root}/${path}`, headers)
  const longer = await refresh('d', { if: `(<${token}>)`, timeout: 'Second-900' })
  t.is(longer.status, 200)
  t.is(longer.headers['lock-token'], undefined)
  t.regex(longer.text, /Second-(900|899)</)
  t.is((await refresh('d/x', { if: `(<${token}>)` })).status, 200)
  refusedAs(t, await refresh('d', {}), 400, 'If')
  refusedAs(t, await refresh('d', { if: '(<urn:uuid:other>)' }), 412, 'If')
  refusedAs(t, await refresh('', { if: `(<${token}>)` }), 412)
})

test('UNLOCK: 204; 409 where that lock is not; 400 without a token', async (t) => {
  const { root } = await space()
  await dav('PUT', `${root}/a`, {}, 'x')
  const token = await lockToken(dav, `${root}/a`)
  refusedAs(t, await dav('UNLOCK', `${root}/a`), 400, 'Lock-Token')
  refusedAs(t, await dav('UNLOCK', `${root}/a`, { 'lock-token': token }), 400, 'Lock-Token')
  refusedFor(
    t,
    await dav('UNLOCK', `${root}/a`, { 'lock-token': '<urn:uuid:other>' }),
    409,
    'lock-token-matches-request-uri',
  )
  await dav('PUT', `${root}/b`, {}, 'x')
  refusedFor(
    t,
    await dav('UNLOCK', `${root}/b`, { 'lock-token': `<${token}>` }),
    409,
    'lock-token-matches-request-uri',
  )
  t.is((await dav('UNLOCK', `${root}/a`, { 'lock-token': `<${token}>` })).status, 204)
  t.is((await dav('PUT', `${root}/a`, {}, 'y')).status, 204)
})

test('a lock binds the other surfaces: 423 to POST, PATCH and DELETE of novem', async (t) => {
  const { name, root } = await space()
  const files = contentOf(on.server, name)
  await dav('MKCOL', `${root}/d`)
  await dav('PUT', `${root}/d/a`, {}, 'x')
  const token = await lockToken(dav, `${root}/d/a`)
  await refuses(t, await files.post('d/a', { body: 'y' }), 423, 'd/a')
  await refuses(t, await files.patch('d/a', { body: 'b' }), 423, 'd/a')
  await refuses(t, await files.delete('d/a'), 423, 'd/a')
  await refuses(t, await files.delete('d?recursive=true'), 423, 'd/a')
  t.is(await files.text('d/a'), 'x')
  await dav('UNLOCK', `${root}/d/a`, { 'lock-token': `<${token}>` })
  t.is((await files.post('d/a', { body: 'y' })).status, 200)
})

test('somebody else’s token opens nothing, and only the owner of the space may end it', async (t) => {
  const { name, root } = await space()
  const bob = await on.server.user('bob')
  await share(on.server, name, '~rw', bob)
  const asBob = davOf(on.server, bob)
  const shared = `/dav/@ann~${name}`
  const bobs = await lockToken(asBob, `${shared}/a`)
  refusedFor(t, await dav('PUT', `${root}/a`, { if: `(<${bobs}>)` }, 'x'), 423, 'lock-token-submitted')
  const anns = await lockToken(dav, `${root}/b`)
  refusedAs(t, await asBob('UNLOCK', `${shared}/b`, { 'lock-token': `<${anns}>` }), 403, 'holder')
  t.is((await dav('UNLOCK', `${root}/a`, { 'lock-token': `<${bobs}>` })).status, 204)
  t.is((await dav('PUT', `${root}/a`, {}, 'x')).status, 204)
})

test('locks and refusals leave no row in the journal', async (t) => {
  const { name, root } = await space()
  await dav('PUT', `${root}/a`, {}, 'x')
  const token = await lockToken(dav, `${root}/a`)
  await dav('PUT', `${root}/a`, {}, 'y')
  await dav('DELETE', `${root}/a`)
  await dav('MOVE', `${root}/a`, { destination: `${root}/b` })
  await dav('LOCK', `${root}/a`, { if: `(<${token}>)` })
  await dav('UNLOCK', `${root}/a`, { 'lock-token': `<${token}>` })
  t.deepEqual(await journal(on.server, name), ['create a'])
})

test('what is no lockinfo is 400', async (t) => {
  const { root } = await space()
  const lockinfo = (inner: string) => `<D:lockinfo xmlns:D="DAV:">${inner}</D:lockinfo>`
  const scope = '<D:lockscope><D:exclusive/></D:lockscope>'
  const type = '<D:locktype><D:write/></D:locktype>'
  for (const body of [
    '<lockinfo/>',
    lockinfo(scope),
    lockinfo(type),
    lockinfo(`${scope}<D:locktype><D:read/></D:locktype>`),
    lockinfo(`<D:lockscope/>${type}`),
    lockinfo(`<D:lockscope><D:exclusive/><D:shared/></D:lockscope>${type}`),
    lockBody('exclusive', 'x'.repeat(9000)),
  ]) {
    refusedAs(t, await dav('LOCK', `${root}/a`, {}, body), 400, 'LOCK')
  }
  t.is((await dav('GET', `${root}/a`)).status, 404)
})
