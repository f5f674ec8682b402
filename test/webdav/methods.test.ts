import test from 'ava'
import { withServer } from './fixture.js'
import { davOf, journal, refusedAs } from './support.js'

const on = withServer()
const { dav, space } = on

test('PUT makes a file (201) and replaces it (204), GET gives it back, each says its etag', async (t) => {
  const { root } = await space()
  const made = await dav('PUT', `${root}/a.txt`, { 'content-type': 'text/plain' }, 'one')
  t.is(made.status, 201)
  const replaced = await dav('PUT', `${root}/a.txt`, {}, 'two')
  t.is(replaced.status, 204)
  t.not(made.headers.etag, replaced.headers.etag)
  const got = await dav('GET', `${root}/a.txt`)
  t.is(got.text, 'two')
  t.is(got.headers.etag, replaced.headers.etag as string)
  t.truthy(got.headers['last-modified'])
  t.is(got.headers['content-disposition'], 'attachment; filename="a.txt"')
  const head = await dav('HEAD', `${root}/a.txt`)
  t.is(head.headers['content-length'], '3')
  t.is(head.text, '')
})

test('reads are conditional and ranged as on every surface', async (t) => {
  const { root } = await space()
  const { headers } = await dav('PUT', `${root}/a`, {}, '0123456789')
  const etag = headers.etag as string
  t.is((await dav('GET', `${root}/a`, { 'if-none-match': etag })).status, 304)
  t.is((await dav('GET', `${root}/a`, { 'if-match': '"x"' })).status, 412)
  const part = await dav('GET', `${root}/a`, { range: 'bytes=-3' })
  t.is(part.status, 206)
  t.is(part.text, '789')
  t.is(part.headers['content-range'], 'bytes 7-9/10')
  const none = await dav('GET', `${root}/a`, { range: 'bytes=10-20' })
  t.is(none.status, 416)
  t.is(none.headers['content-range'], 'bytes */10')
})

test('writes are conditional: If-Match, If-None-Match', async (t) => {
  const { root } = await space()
  await dav('PUT', `${root}/a`, {}, 'x')
  refusedAs(t, await dav('PUT', `${root}/a`, { 'if-none-match': '*' }, 'y'), 412, 'If-None-Match')
  refusedAs(t, await dav('PUT', `${root}/a`, { 'if-match': '"0"' }, 'y'), 412, 'If-Match')
  refusedAs(t, await dav('DELETE', `${root}/a`, { 'if-match': '"0"' }), 412, 'If-Match')
  t.is((await dav('GET', `${root}/a`)).text, 'x')
})

test('PUT never makes parents (409), and writes no folder', async (t) => {
  const { root } = await space()
  refusedAs(t, await dav('PUT', `${root}/no/a`, {}, 'x'), 409, 'no/a')
  await dav('MKCOL', `${root}/d`)
  refusedAs(t, await dav('PUT', `${root}/d`, {}, 'x'), 409, '"d"')
  refusedAs(t, await dav('PUT', `${root}/d/`, {}, 'x'), 409, '"d/"')
  await dav('PUT', `${root}/f`, {}, 'x')
  refusedAs(t, await dav('PUT', `${root}/f/below`, {}, 'x'), 409, '"f"')
})

test('PUT of a part of a file is refused (RFC 9110 §14.5), and of an encoding', async (t) => {
  const { root } = await space()
  await dav('PUT', `${root}/a`, {}, '0123456789')
  refusedAs(t, await dav('PUT', `${root}/a`, { 'content-range': 'bytes 0-1/10' }, 'xx'), 400, 'Content-Range')
  refusedAs(t, await dav('PUT', `${root}/a`, { 'content-encoding': 'gzip' }, 'xx'), 400, 'gzip')
  t.is((await dav('GET', `${root}/a`)).text, '0123456789')
})

test('X-OC-Mtime is kept, OC-Checksum is checked', async (t) => {
  const { root } = await space()
  const kept = await dav('PUT', `${root}/a`, { 'x-oc-mtime': '1000000000' }, 'x')
  t.is(kept.headers['x-oc-mtime'], 'accepted')
  t.is((await dav('HEAD', `${root}/a`)).headers['last-modified'], 'Sun, 09 Sep 2001 01:46:40 GMT')
  const sum = (text: string) => dav('PUT', `${root}/b`, { 'oc-checksum': text }, 'hello')
  t.is((await sum('MD5:5d41402abc4b2a76b9719d911017c592')).status, 201)
  t.is((await sum('SHA1:AAF4C61DDCC5E8A2DABEDE0F3B482CD9AEA9434D')).status, 204)
  t.is((await sum('ADLER32:00000000')).status, 204)
  refusedAs(t, await sum('SHA1:aaf4c61ddcc5e8a2dabede0f3b482cd9aea94340'), 400, 'OC-Checksum')
})

test('MKCOL makes one folder: 201, 405 where something is, 409 without a parent, 415 with a body', async (t) => {
  const { root } = await space()
  t.is((await dav('MKCOL', `${root}/d/`)).status, 201)
  refusedAs(t, await dav('MKCOL', `${root}/D`), 405, '/D')
  refusedAs(t, await dav('MKCOL', `${root}/x/y`), 409, 'x/y')
  refusedAs(t, await dav('MKCOL', `${root}/e`, {}, '<mkcol/>'), 415)
  await dav('PUT', `${root}/f`, {}, 'x')
  refusedAs(t, await dav('MKCOL', `${root}/f`), 405, '/f')
  refusedAs(t, await dav('MKCOL', `${root}/f/g`), 409, '"f"')
  t.is((await dav('GET', `${root}/e`)).status, 404)
})

test('DELETE removes a tree at once; not a root, not a part, not a fragment', async (t) => {
  const { name, root } = await space()
  await dav('MKCOL', `${root}/d`)
  await dav('MKCOL', `${root}/d/e`)
  await dav('PUT', `${root}/d/e/f`, {}, 'x')
  refusedAs(t, await dav('DELETE', `${root}/d`, { depth: '0' }), 400, 'Depth')
  refusedAs(t, await dav('DELETE', `${root}/d#e`), 400, '#e')
  refusedAs(t, await dav('DELETE', root), 403)
  t.is((await dav('DELETE', `${root}/d/`)).status, 204)
  t.is((await dav('GET', `${root}/d/e/f`)).status, 404)
  refusedAs(t, await dav('DELETE', `${root}/d`), 404, 'd')
  t.deepEqual((await journal(on.server, name)).slice(-3), ['delete d/e/f', 'delete d/e', 'delete d'])
})

test('MOVE: 201 to a new place, 204 over something, 412 with Overwrite: F', async (t) => {
  const { root } = await space()
  await dav('PUT', `${root}/a`, {}, 'a')
  await dav('PUT', `${root}/b`, {}, 'b')
  const move = (from: string, to: string, headers = {}) =>
    dav('MOVE', `${root}/${from}`, { destination: `${root}/${to}`, ...headers })
  refusedAs(t, await move('a', 'b', { overwrite: 'F' }), 412)
  t.is((await move('a', 'c')).status, 201)
  t.is((await move('c', 'b')).status, 204)
  t.is((await dav('GET', `${root}/b`)).text, 'a')
  refusedAs(t, await move('none', 'x'), 404, 'none')
  refusedAs(t, await move('b', 'no/x'), 409, 'no/x')
  refusedAs(t, await move('b', 'b'), 403)
  refusedAs(t, await move('b', 'c', { depth: '0' }), 400, 'Depth')
  refusedAs(t, await move('b', 'c', { overwrite: 'X' }), 400, 'Overwrite')
  t.is((await move('b', 'B')).status, 201)
  t.is((await move('B', 'x', { 'if-match': '"0"' })).status, 412)
})

test('MOVE and COPY replace folders, and files by folders, unless they hold one another', async (t) => {
  const { root } = await space()
  await dav('MKCOL', `${root}/d`)
  await dav('PUT', `${root}/d/new`, {}, 'new')
  await dav('MKCOL', `${root}/e`)
  await dav('PUT', `${root}/e/old`, {}, 'old')
  await dav('PUT', `${root}/f`, {}, 'f')
  const to = (path: string) => ({ destination: `${root}/${path}` })
  t.is((await dav('COPY', `${root}/d`, to('e'))).status, 204)
  t.is((await dav('GET', `${root}/e/old`)).status, 404)
  t.is((await dav('GET', `${root}/e/new`)).text, 'new')
  t.is((await dav('COPY', `${root}/d`, to('f'))).status, 204)
  t.is((await dav('GET', `${root}/f/new`)).text, 'new')
  t.is((await dav('MOVE', `${root}/f/new`, to('f'))).status, 403)
  t.is((await dav('COPY', `${root}/d`, to('d/below'))).status, 403)
  t.is((await dav('COPY', `${root}/d`, to('D'))).status, 403)
  t.is((await dav('COPY', root, to('d'))).status, 403)
  t.is((await dav('MOVE', `${root}/d`, to('e'))).status, 204)
  t.is((await dav('GET', `${root}/d`)).status, 404)
  await dav('PUT', `${root}/g`, {}, 'g')
  t.is((await dav('MOVE', `${root}/g`, to('e'))).status, 204)
  t.is((await dav('GET', `${root}/e`)).text, 'g')
})

test('COPY: a file, a tree, a folder alone; no byte is stored again', async (t) => {
  const { root } = await space()
  await dav('MKCOL', `${root}/d`)
  await dav('PUT', `${root}/d/a`, { 'content-type': 'text/x-a' }, 'a')
  const copy = (from: string, to: string, headers = {}) =>
    dav('COPY', `${root}/${from}`, {
      destination: `http://127.0.0.1:${on.server.port}${root}/${to}`,
      ...headers,
    })
  t.is((await copy('d/a', 'b')).status, 201)
  t.is((await copy('d/a', 'b')).status, 204)
  refusedAs(t, await copy('d/a', 'b', { overwrite: 'F' }), 412)
  refusedAs(t, await copy('d/a', 'no/b'), 409, 'no/b')
  refusedAs(t, await copy('d', 'e', { depth: '1' }), 400, 'Depth')
  t.is((await copy('d', 'e')).status, 201)
  t.is((await dav('GET', `${root}/e/a`)).text, 'a')
  t.is((await dav('GET', `${root}/e/a`)).headers['content-type'], 'text/x-a')
  t.is((await copy('d', 'alone', { depth: '0' })).status, 201)
  t.is((await dav('GET', `${root}/alone/a`)).status, 404)
})

test('COPY into another space copies the bytes, MOVE there is refused', async (t) => {
  const from = await space()
  const to = await space()
  await dav('MKCOL', `${from.root}/d`)
  await dav('PUT', `${from.root}/d/a`, { 'x-oc-mtime': '1000000000', 'content-type': 'text/x-a' }, 'a')
  await dav('PUT', `${from.root}/d/empty`, {}, '')
  await dav('MKCOL', `${from.root}/d/e`)
  await dav('PUT', `${from.root}/d/e/b`, {}, Buffer.alloc(100_000, 'b'))
  await dav(
    'PROPPATCH',
    `${from.root}/d/a`,
    {},
    '<propertyupdate xmlns="DAV:"><set><prop><x xmlns="urn:x:">1</x></prop></set></propertyupdate>',
  )
  const copy = (path: string, place: string, headers = {}) =>
    dav('COPY', `${from.root}/${path}`, { destination: `${to.root}/${place}`, ...headers })
  refusedAs(t, await dav('MOVE', `${from.root}/d`, { destination: `${to.root}/d` }), 403, 'space')
  t.is((await copy('d', 'copy')).status, 201)
  t.is((await copy('d', 'copy')).status, 204)
  t.is((await copy('d/a', 'copy/e/b')).status, 204)
  refusedAs(t, await copy('d', 'copy', { overwrite: 'F' }), 412, 'copy')
  refusedAs(t, await copy('d', 'no/copy'), 409)
  refusedAs(t, await copy('none', 'x'), 404, 'none')
  const copied = await dav('GET', `${to.root}/copy/a`)
  t.is(copied.text, 'a')
  t.is(copied.headers['last-modified'], 'Sun, 09 Sep 2001 01:46:40 GMT')
  t.is(copied.headers['content-type'], 'text/x-a')
  t.is((await dav('GET', `${to.root}/copy/e/b`)).text, 'a')
  const found = await dav('PROPFIND', `${to.root}/copy/a`, { depth: '0' })
  t.true(found.text.includes('<x xmlns="urn:x:">1</x>'), found.text)
  const names = await dav('PROPFIND', `${to.root}/`, { depth: '1' })
  t.false(names.text.includes('copying'), names.text)
})

test('the destination must be ours: 502 another server, 403 outside or above the spaces, 400 nonsense', async (t) => {
  const { root } = await space()
  await dav('PUT', `${root}/a`, {}, 'a')
  const move = (destination: string) => dav('MOVE', `${root}/a`, { destination })
  refusedAs(t, await dav('MOVE', `${root}/a`), 400, 'Destination')
  refusedAs(t, await move(`http://other.example/${root}/b`), 502, 'other.example')
  refusedAs(t, await move(`http://127.0.0.1:1${root}/b`), 502)
  refusedAs(t, await move('/dav2/x'), 403, '/dav2/x')
  refusedAs(t, await move('/v1/code/spaces/x'), 403)
  refusedAs(t, await move('/dav/'), 403)
  refusedAs(t, await move('/dav/new'), 403)
  refusedAs(t, await move(`${root}/`), 403)
  refusedAs(t, await move(`${root}/%zz`), 400, '%zz')
  refusedAs(t, await move(`${root}/b#c`), 400)
  refusedAs(t, await move('b'), 400, '"b"')
  refusedAs(t, await move(`${root}/x%3Ay`), 400, 'x:y')
  refusedAs(t, await move('/dav/unknown/b'), 403)
  t.is((await dav('GET', `${root}/a`)).text, 'a')
})

test('at the top nothing is made, moved or deleted (403)', async (t) => {
  const { root } = await space()
  for (const [method, path] of [
    ['MKCOL', '/dav/new'],
    ['PUT', '/dav/new'],
    ['DELETE', '/dav/'],
    ['DELETE', root],
    ['PUT', root],
    ['PROPPATCH', '/dav/'],
    ['LOCK', '/dav/'],
    ['MOVE', '/dav/'],
  ] as const) {
    refusedAs(t, await dav(method, path), 403, method)
  }
  refusedAs(t, await dav('MOVE', root, { destination: '/dav/renamed' }), 403)
})

test('over the limits: 507, said before the body is sent', async (t) => {
  const { root } = await space()
  const length = String(on.server.account.plan.fileBytes + 1)
  const early = await dav('PUT', `${root}/big`, { 'content-length': length, expect: '100-continue' })
  refusedAs(t, early, 507, String(on.server.account.plan.fileBytes))
  const finder = await dav('PUT', `${root}/big`, {
    'transfer-encoding': 'chunked',
    'x-expected-entity-length': length,
  })
  refusedAs(t, finder, 507)
})

test('names: what the store refuses is 400, case and normal form do not count', async (t) => {
  const { root } = await space()
  await dav('PUT', `${root}/R%C3%A9sum%C3%A9.txt`, {}, 'x')
  t.is((await dav('GET', `${root}/RE%CC%81SUME%CC%81.TXT`)).text, 'x')
  for (const name of ['a%3Ab', 'con', 'x.', 'a%5Cb', 'a%2Fb', 'a%00b', '%2e%2e']) {
    refusedAs(t, await dav('PUT', `${root}/${name}`, {}, 'x'), 400)
    t.is((await dav('GET', `${root}/${name}`)).status, 400)
  }
})

test('methods that drives do not have are 405 with Allow', async (t) => {
  const { root } = await space()
  for (const method of ['POST', 'PATCH', 'SEARCH', 'ACL', 'TRACE']) {
    const answer = await dav(method, `${root}/a`)
    refusedAs(t, answer, 405, method)
    t.true(answer.headers.allow?.includes('PROPFIND'))
  }
})

test('OPTIONS says the classes to anybody, and to a caller what he may do', async (t) => {
  const { root } = await space()
  for (const path of ['/dav', '/dav/', root, `${root}/none`]) {
    for (const ask of [dav, davOf(on.server)]) {
      const { status, headers, text } = await ask('OPTIONS', path)
      t.is(status, 200)
      t.is(headers.dav, '1, 2, 3')
      t.is(headers['ms-author-via'], 'DAV')
      t.true(headers.allow?.includes('PROPFIND'))
      t.truthy(JSON.parse(text).actions)
    }
  }
  t.true((await dav('OPTIONS', root)).headers.allow?.includes('LOCK'))
})

test('without a token: 401 with one challenge, whatever was asked; no challenge elsewhere', async (t) => {
  const { root } = await space()
  for (const method of ['GET', 'PROPFIND', 'PUT', 'LOCK', 'POST']) {
    const answer = await davOf(on.server)(method, `${root}/a`)
    refusedAs(t, answer, 401, 'Authorization')
    t.regex(answer.headers['www-authenticate'] ?? '', /^Basic realm="novem"/)
  }
  refusedAs(t, await davOf(on.server, { token: 'constructor' })('PROPFIND', root), 401)
  t.is((await dav('GET', root)).headers['www-authenticate'], undefined)
})
