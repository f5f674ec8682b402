import test from 'ava'
import { parseIf } from '../../src/webdav/if-header.js'
import { refused } from '../support/refused.js'
import { type TestServer, testServer } from '../support/server.js'
import { type DavRequest, davOf, lockToken, refusedAs } from './support.js'

let server: TestServer
let dav: DavRequest

test.before(async () => {
  server = await testServer()
  dav = davOf(server, server)
  await server.fetch('/v1/code/spaces/s', { method: 'PUT' })
  await server.fetch('/v1/code/spaces/other', { method: 'PUT' })
})
test.after.always(() => server.stop())

const token = (name: string) => ({ not: false, kind: 'token', token: name })

test('lists, conditions, negations and tags are read as RFC 4918 §10.4.2 says', (t) => {
  t.deepEqual(parseIf('(<urn:x> ["e"])(Not <DAV:no-lock>)'), [
    {
      lists: [
        [token('urn:x'), { not: false, kind: 'etag', etag: 'e' }],
        [{ ...token('DAV:no-lock'), not: true }],
      ],
    },
  ])
  t.deepEqual(parseIf(' </a> (<t1>) ( <t2> [W/"e"] ) <http://h/b>\t(not ["f"])  '), [
    { resource: '/a', lists: [[token('t1')], [token('t2'), { not: false, kind: 'etag', etag: 'e' }]] },
    { resource: 'http://h/b', lists: [[{ not: true, kind: 'etag', etag: 'f' }]] },
  ])
})

for (const header of [
  '',
  '()',
  '(<t>',
  '<t>',
  '<t>)',
  '(<t>) <r>',
  '(<t>) <r> (<t>)',
  '<r> (<t>) (',
  '(Not)',
  '(Not Not <t>)',
  '(<>)',
  '<> (<t>)',
  '((<t>))',
  '(<a b>)',
  '(t)',
  '(["e"',
  '(<t>) x',
]) {
  test(`If: ${header} is malformed`, (t) => {
    t.true(refused(() => parseIf(header)).includes('If'))
  })
}

test('a header of any size is read in a moment', (t) => {
  t.is(parseIf('(<t>)'.repeat(6000))[0]?.lists.length, 6000)
  refused(() => parseIf('('.repeat(30_000)))
  refused(() => parseIf('<'.repeat(30_000)))
  refused(() => parseIf(`(${'Not '.repeat(8000)}<t>)`))
  refused(() => parseIf(`(["${'e'.repeat(30_000)}`))
  t.pass()
})

test('a write happens where one list holds, and is 412 where none does', async (t) => {
  const path = '/dav/s/conditions'
  const first = await dav('PUT', path, {}, 'x')
  let etag = first.headers.etag as string
  const locked = await lockToken(dav, path)
  const write = async (header: string) => {
    const answer = await dav('PUT', path, { if: header }, 'y')
    if (answer.status === 204) etag = answer.headers.etag as string
    return answer
  }
  for (const header of [
    `(<${locked}>)`,
    `(<${locked}> [${etag}])`,
    `(Not <DAV:no-lock>)(<${locked}>)`,
    `(["other"]) (<${locked}> Not <urn:other>)`,
    `<${path}> (<${locked}>)`,
    `<http://127.0.0.1:${server.port}${path}> (<${locked}>)`,
    `<http://elsewhere.example/x> (<urn:other>) <${path}> (<${locked}>)`,
  ]) {
    t.is((await write(header.replace(first.headers.etag as string, etag))).status, 204, header)
  }
  for (const header of [
    '(<DAV:no-lock>)',
    `(<${locked}> ["other"])`,
    `(Not <${locked}>)`,
    `(<${locked}> Not [${etag}])`,
    `<http://elsewhere.example/x> (<${locked}>)`,
    `</dav/s/none> (<${locked}>)`,
    `</dav/none> (<${locked}>)`,
    `</dav/other/x> (<${locked}>)`,
  ]) {
    refusedAs(t, await write(header), 412, 'If')
  }
  // Submitted, though the list in which it stands does not hold.
  t.is((await write(`(<${locked}> ["other"]) (Not <DAV:no-lock>)`)).status, 204)
  // Holds, but submits nothing.
  t.is((await write('(Not <DAV:no-lock>)')).status, 423)
  refusedAs(t, await write('no list'), 400, 'If')
})

test('every method is conditional on If', async (t) => {
  await dav('PUT', '/dav/s/any', {}, 'x')
  const never = { if: '(<DAV:no-lock>)' }
  for (const [method, headers, body] of [
    ['GET', {}, ''],
    ['PROPFIND', { depth: '0' }, ''],
    ['DELETE', {}, ''],
    ['COPY', { destination: '/dav/s/copy' }, ''],
    ['MOVE', { destination: '/dav/s/copy' }, ''],
    ['MKCOL', {}, ''],
    ['LOCK', {}, ''],
  ] as const) {
    refusedAs(t, await dav(method, '/dav/s/any', { ...headers, ...never }, body || undefined), 412, 'If')
  }
})

test('etags in If are about one moment with the change: an entry that is made meanwhile is not overwritten', async (t) => {
  const path = '/dav/s/new'
  t.is((await dav('PUT', path, { if: '(Not ["x"])' }, 'x')).status, 201)
  const { headers } = await dav('HEAD', path)
  t.is((await dav('DELETE', path, { if: '(["x"])' })).status, 412)
  t.is((await dav('DELETE', path, { if: `([${headers.etag}])` })).status, 204)
  const many = Array.from({ length: 40 }, (_, i) => `</dav/s/${i}> (["x"])`).join(' ')
  refusedAs(t, await dav('PUT', path, { if: many }, 'x'), 400, '32')
})

test('Word’s token in Lock-Token counts on PUT', async (t) => {
  const path = '/dav/s/word.docx'
  const locked = await lockToken(dav, path)
  t.is((await dav('PUT', path, { 'lock-token': `<${locked}>` }, 'x')).status, 204)
  t.is((await dav('DELETE', path, { 'lock-token': `<${locked}>` })).status, 423)
})
