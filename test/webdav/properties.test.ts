import test from 'ava'
import { testServer } from '../support/server.js'
import { withServer } from './fixture.js'
import { davOf, journal, propfindBody, refusedAs, refusedFor, told, toldOne } from './support.js'

const on = withServer()
const { dav, space } = on

const update = (inner: string, namespaces = '') =>
  `<?xml version="1.0" encoding="utf-8"?><D:propertyupdate xmlns:D="DAV:"${namespaces}>${inner}</D:propertyupdate>`
const set = (inner: string) => `<D:set><D:prop>${inner}</D:prop></D:set>`
const remove = (inner: string) => `<D:remove><D:prop>${inner}</D:prop></D:remove>`

test('allprop is the same for no body, an empty one, and DAV:allprop', async (t) => {
  const { root } = await space()
  const { headers } = await dav('PUT', `${root}/a.txt`, { 'content-type': 'text/plain' }, 'hello')
  const allprop = '<propfind xmlns="DAV:"><allprop/></propfind>'
  for (const body of [undefined, '', allprop]) {
    const one = toldOne(await dav('PROPFIND', `${root}/a.txt`, { depth: '0' }, body))
    t.is(one.href, `${root}/a.txt`)
    t.deepEqual(one.named(200).sort(), [
      'creationdate',
      'displayname',
      'getcontentlength',
      'getcontenttype',
      'getetag',
      'getlastmodified',
      'lockdiscovery',
      'resourcetype',
      'supportedlock',
    ])
    t.is(one.text('displayname'), 'a.txt')
    t.is(one.text('getcontentlength'), '5')
    t.is(one.text('getcontenttype'), 'text/plain')
    t.is(one.text('getetag'), headers.etag)
    t.regex(one.text('creationdate') ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    t.regex(one.text('getlastmodified') ?? '', /^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/)
  }
})

test('a body that comes in chunks counts as one with a length', async (t) => {
  const { root } = await space()
  await dav('PUT', `${root}/a`, {}, 'x')
  const headers = { depth: '0', 'transfer-encoding': 'chunked' }
  const one = toldOne(await dav('PROPFIND', `${root}/a`, headers, propfindBody('getetag')))
  t.deepEqual(one.named(200), ['getetag'])
})

test('prop answers what is asked: 200 for what is there, 404 for what is not', async (t) => {
  const { root } = await space()
  await dav('MKCOL', `${root}/d`)
  const body =
    '<propfind xmlns="DAV:"><prop><resourcetype/><getcontentlength/><x xmlns="urn:a&amp;b"/><y xmlns=""/></prop></propfind>'
  const one = toldOne(await dav('PROPFIND', `${root}/d`, { depth: '0' }, body))
  t.is(one.href, `${root}/d/`)
  t.deepEqual(one.named(200), ['resourcetype'])
  t.deepEqual(one.named(404), ['getcontentlength', '{urn:a&b}x', '{}y'])
  for (const headers of [{ brief: 't' }, { prefer: 'return=minimal' }]) {
    const brief = await dav(
      'PROPFIND',
      `${root}/d`,
      { depth: '0', ...headers } as Record<string, string>,
      body,
    )
    t.deepEqual(toldOne(brief).named(404), [])
    t.is(brief.headers['preference-applied'], 'return=minimal')
  }
})

test('propname says the names alone; include adds to allprop what it leaves out', async (t) => {
  const { root } = await space()
  await dav('PUT', `${root}/a`, {}, 'x')
  await dav('PROPPATCH', `${root}/a`, {}, update(set('<x xmlns="urn:x:">v</x>')))
  const names = await dav(
    'PROPFIND',
    `${root}/a`,
    { depth: '0' },
    '<propfind xmlns="DAV:"><propname/></propfind>',
  )
  t.true(toldOne(names).named(200).includes('{urn:x:}x'))
  t.true([...toldOne(names).properties.values()].every(({ element }) => element.children.length === 0))
  const all = await dav(
    'PROPFIND',
    `${root}/`,
    { depth: '0' },
    '<propfind xmlns="DAV:"><allprop/><include><quota-used-bytes/><supported-report-set/><x xmlns="urn:x:"/></include></propfind>',
  )
  const one = toldOne(all)
  t.is(one.text('quota-used-bytes'), '1')
  t.true(one.named(200).includes('supported-report-set'))
})

test('depth 1 lists the members, infinity the tree; without a depth it is infinity (RFC 4918 §9.1)', async (t) => {
  const { root } = await space()
  for (const path of ['d', 'd/e']) await dav('MKCOL', `${root}/${path}`)
  for (const path of ['a', 'd/b', 'd/e/c']) await dav('PUT', `${root}/${path}`, {}, 'x')
  const hrefs = async (path: string, headers: Record<string, string>) =>
    told(await dav('PROPFIND', path, headers, propfindBody('resourcetype')))
      .map(({ href }) => href.slice(root.length))
      .sort()
  t.deepEqual(await hrefs(root, { depth: '1' }), ['/', '/a', '/d/'])
  t.deepEqual(await hrefs(`${root}/d`, { depth: '1' }), ['/d/', '/d/b', '/d/e/'])
  const whole = ['/', '/a', '/d/', '/d/b', '/d/e/', '/d/e/c']
  t.deepEqual(await hrefs(root, { depth: 'infinity' }), whole)
  t.deepEqual(await hrefs(`${root}/`, {}), whole)
  t.deepEqual(await hrefs(`${root}/d/`, {}), whole.slice(2))
  t.deepEqual(await hrefs(`${root}/a`, { depth: 'infinity' }), ['/a'])
  refusedAs(t, await dav('PROPFIND', root, { depth: '2' }), 400, '"2"')
  refusedAs(t, await dav('PROPFIND', `${root}/none`, { depth: '1' }), 404, 'none')
  refusedAs(t, await dav('PROPFIND', '/dav/none', { depth: '1' }), 404, '"none"')
})

test('depth infinity is refused where the operator has switched it off', async (t) => {
  const strict = await testServer({ settings: { davInfinity: false } })
  try {
    const ask = davOf(strict, strict)
    refusedFor(t, await ask('PROPFIND', '/dav/', {}), 403, 'propfind-finite-depth')
    t.is((await ask('PROPFIND', '/dav/', { depth: '1' })).status, 207)
  } finally {
    await strict.stop()
  }
})

test('the top lists the spaces, the server’s root the way to it', async (t) => {
  const { name } = await space()
  const top = told(await dav('PROPFIND', '/dav', { depth: '1' }))
  t.is(top[0]?.href, '/dav/')
  const one = top.find(({ href }) => href === `/dav/${name}/`)
  t.is(one?.text('displayname'), name)
  const above = told(await dav('PROPFIND', '/', { depth: '1' }))
  t.deepEqual(
    above.map(({ href }) => href),
    ['/', '/dav/'],
  )
})

test('every character that is reserved in URLs is escaped in hrefs, and leads back', async (t) => {
  const { root } = await space()
  const names = ['a b', '#', '%25', '&', '+', ';', "it's (1)!", 'é☃', ',=@$', '~[x]^{}`', 'e\u0301']
  for (const name of names)
    t.is((await dav('PUT', `${root}/${encodeURIComponent(name)}`, {}, name)).status, 201)
  const listed = told(await dav('PROPFIND', root, { depth: '1' })).slice(1)
  t.is(listed.length, names.length)
  for (const one of listed) {
    t.regex(one.href, /^\/dav\/s\d+\/(?:[\w.~-]|%[\dA-F]{2})+$/)
    const name = one.text('displayname') ?? ''
    t.is(decodeURIComponent(one.href.slice(root.length + 1)), name)
    t.is((await dav('GET', one.href)).text.normalize(), name)
  }
})

test('hrefs begin as the client spells the path', async (t) => {
  const { root } = await space()
  await dav('MKCOL', `${root}/Docs`)
  await dav('PUT', `${root}/Docs/a`, {}, 'x')
  const listed = told(await dav('PROPFIND', `${root}/DOCS/`, { depth: '1' }))
  t.deepEqual(
    listed.map(({ href }) => href),
    [`${root}/DOCS/`, `${root}/DOCS/a`],
  )
})

test('quota is told of the space, on all its folders, and only where it is asked for', async (t) => {
  const { root } = await space()
  await dav('MKCOL', `${root}/d`)
  await dav('PUT', `${root}/a`, {}, '12345')
  const body = propfindBody('quota-available-bytes', 'quota-used-bytes')
  const available = String(on.server.account.plan.spaceBytes - 5)
  for (const path of [root, `${root}/d/`]) {
    const one = toldOne(await dav('PROPFIND', path, { depth: '0' }, body))
    t.is(one.text('quota-used-bytes'), '5')
    t.is(one.text('quota-available-bytes'), available)
  }
  t.deepEqual(toldOne(await dav('PROPFIND', `${root}/a`, { depth: '0' }, body)).named(200), [])
})

test('a folder of thousands is listed whole, once each', async (t) => {
  const { name, root } = await space()
  const [found] = (await on.server.directory.listSpaces(on.server.account.id)).filter(
    (one) => one.name === name,
  )
  const op = {
    space: found?.id ?? '',
    caller: { accountId: on.server.account.id },
    limits: on.server.account.plan,
  }
  const count = 4500
  for (let made = 0; made < count; made += 300) {
    const names = Array.from({ length: 300 }, (_, i) => `f${made + i}`)
    await Promise.all(
      names.map((one) => on.server.spaces.mkdir(op, { path: { names: [one], folded: [one] } })),
    )
  }
  const { text } = await dav('PROPFIND', root, { depth: '1' }, propfindBody('resourcetype'))
  const hrefs = new Set(text.match(/<D:href>[^<]*/g))
  t.is(hrefs.size, count + 1)
  const page = await dav('GET', root)
  t.is(page.text.split('<tr><td>').length - 1, count + 1)
})

test('PROPPATCH keeps elements as they were sent, whatever their namespaces', async (t) => {
  const { root } = await space()
  await dav('PUT', `${root}/a`, {}, 'x')
  const body = update(
    set(
      '<p:a>text &amp; <p:b k="1&quot;2"/> more <c xmlns="urn:default">x</c><![CDATA[<raw>]]></p:a>' +
        '<none xml:lang="en">n</none><q:list>p:name</q:list><e xmlns="http://a.example/"/>',
    ),
    ' xmlns:p="http://p.example/x" xmlns:q="q:r:" xml:lang="de"',
  )
  const patched = toldOne(await dav('PROPPATCH', `${root}/a`, {}, body))
  const names = ['{http://p.example/x}a', '{}none', '{q:r:}list', '{http://a.example/}e']
  t.deepEqual(patched.named(200), names)
  const found = toldOne(await dav('PROPFIND', `${root}/a`, { depth: '0' }))
  const of = (name: string) => found.properties.get(name)?.element
  t.is(found.text('{http://p.example/x}a'), 'text &  more x<raw>')
  const [, inner] = of('{http://p.example/x}a')?.children ?? []
  t.like(inner, { uri: 'http://p.example/x', local: 'b', attributes: [{ local: 'k', value: '1"2' }] })
  t.is(of('{http://p.example/x}a')?.lang, 'de')
  t.is(of('{}none')?.lang, 'en')
  t.is(of('{q:r:}list')?.scope.get('p'), 'http://p.example/x', 'the prefix in the text is still bound')
  const asked = '<propfind xmlns="DAV:"><prop><list xmlns="q:r:"/><none xmlns=""/></prop></propfind>'
  t.deepEqual(toldOne(await dav('PROPFIND', `${root}/a`, { depth: '0' }, asked)).named(200), [
    '{q:r:}list',
    '{}none',
  ])
})

test('PROPPATCH works in order: the last instruction for a name counts', async (t) => {
  const { root } = await space()
  await dav('PUT', `${root}/a`, {}, 'x')
  const x = (value: string) => `<x xmlns="urn:x:">${value}</x>`
  await dav('PROPPATCH', `${root}/a`, {}, update(set(x('1')) + remove(x('')) + set(x('2'))))
  t.is(toldOne(await dav('PROPFIND', `${root}/a`, { depth: '0' })).text('{urn:x:}x'), '2')
  const removed = await dav(
    'PROPPATCH',
    `${root}/a`,
    {},
    update(set(x('3')) + remove(`${x('')}<y xmlns="urn:x:"/>`)),
  )
  t.deepEqual(toldOne(removed).named(200), ['{urn:x:}x', '{urn:x:}y'])
  t.is(toldOne(await dav('PROPFIND', `${root}/a`, { depth: '0' })).text('{urn:x:}x'), undefined)
})

test('PROPPATCH is all or nothing: what the server keeps itself is 403, the rest 424', async (t) => {
  const { name, root } = await space()
  await dav('PUT', `${root}/a`, {}, 'x')
  const body = update(
    set('<x xmlns="urn:x:">1</x>') + remove('<D:getetag/>') + set('<D:displayname>n</D:displayname>'),
  )
  const one = toldOne(await dav('PROPPATCH', `${root}/a`, {}, body))
  t.deepEqual(one.named(403), ['getetag', 'displayname'])
  t.deepEqual(one.named(424), ['{urn:x:}x'])
  t.is(toldOne(await dav('PROPFIND', `${root}/a`, { depth: '0' })).text('{urn:x:}x'), undefined)
  t.deepEqual(await journal(on.server, name), ['create a'])
})

test('dead properties go with moves and copies, and end with the entry', async (t) => {
  const { root } = await space()
  await dav('MKCOL', `${root}/d`)
  await dav('PUT', `${root}/d/a`, {}, 'x')
  const value = async (path: string) =>
    toldOne(await dav('PROPFIND', `${root}/${path}`, { depth: '0' })).text('{urn:x:}x')
  await dav('PROPPATCH', `${root}/d/a`, {}, update(set('<x xmlns="urn:x:">1</x>')))
  await dav('PROPPATCH', `${root}/d`, {}, update(set('<x xmlns="urn:x:">2</x>')))
  await dav('PUT', `${root}/d/a`, {}, 'rewritten')
  await dav('COPY', `${root}/d`, { destination: `${root}/copy` })
  await dav('MOVE', `${root}/d`, { destination: `${root}/moved` })
  t.is(await value('copy'), '2')
  t.is(await value('copy/a'), '1')
  t.is(await value('moved/a'), '1')
  await dav('DELETE', `${root}/moved/a`)
  await dav('PUT', `${root}/moved/a`, {}, 'x')
  t.is(await value('moved/a'), undefined)
  const listed = told(await dav('PROPFIND', `${root}/copy`, { depth: '1' }))
  t.deepEqual(
    listed.map((one) => one.text('{urn:x:}x')),
    ['2', '1'],
  )
})

test('Windows’ times: the last change sets the file’s time, the others are kept', async (t) => {
  const { name, root } = await space()
  await dav('PUT', `${root}/a`, {}, 'x')
  const z = (inner: string) => `<Z:${inner}`
  const body = update(
    set(
      `${z('Win32CreationTime>Mon, 10 Sep 2001 01:46:40 GMT</Z:Win32CreationTime>')}` +
        `${z('Win32LastModifiedTime>Sun, 09 Sep 2001 01:46:40 GMT</Z:Win32LastModifiedTime>')}` +
        `${z('Win32FileAttributes>00000020</Z:Win32FileAttributes>')}`,
    ),
    ' xmlns:Z="urn:schemas-microsoft-com:"',
  )
  t.is(toldOne(await dav('PROPPATCH', `${root}/a`, {}, body)).named(200).length, 3)
  const asked =
    '<propfind xmlns="DAV:"><prop><getlastmodified/><Win32LastModifiedTime xmlns="urn:schemas-microsoft-com:"/>' +
    '<Win32CreationTime xmlns="urn:schemas-microsoft-com:"/></prop></propfind>'
  const one = toldOne(await dav('PROPFIND', `${root}/a`, { depth: '0' }, asked))
  t.is(one.text('getlastmodified'), 'Sun, 09 Sep 2001 01:46:40 GMT')
  t.is(one.text('{urn:schemas-microsoft-com:}Win32LastModifiedTime'), 'Sun, 09 Sep 2001 01:46:40 GMT')
  t.is(one.text('{urn:schemas-microsoft-com:}Win32CreationTime'), 'Mon, 10 Sep 2001 01:46:40 GMT')
  t.deepEqual(await journal(on.server, name), ['create a', 'update a'])
})

test('the exec bit is Apache’s property, the MD5 ownCloud’s', async (t) => {
  const { root } = await space()
  await dav('PUT', `${root}/a`, {}, 'hello')
  const executable = '<executable xmlns="http://apache.org/dav/props/">'
  await dav('PROPPATCH', `${root}/a`, {}, update(set(`${executable}T</executable>`)))
  const asked = `<propfind xmlns="DAV:"><prop>${executable}</executable><checksums xmlns="http://owncloud.org/ns"/></prop></propfind>`
  const one = toldOne(await dav('PROPFIND', `${root}/a`, { depth: '0' }, asked))
  t.is(one.text('{http://apache.org/dav/props/}executable'), 'T')
  t.is(one.text('{http://owncloud.org/ns}checksums'), 'MD5:5D41402ABC4B2A76B9719D911017C592')
  const wrong = await dav('PROPPATCH', `${root}/a`, {}, update(set(`${executable}maybe</executable>`)))
  t.deepEqual(toldOne(wrong).named(403), ['{http://apache.org/dav/props/}executable'])
})

test('properties over 64 KiB an entry are 400; of what is not there 404; of a root 403', async (t) => {
  const { root } = await space()
  await dav('PUT', `${root}/a`, {}, 'x')
  const big = update(set(`<x xmlns="urn:x:">${'x'.repeat(70_000)}</x>`))
  refusedAs(t, await dav('PROPPATCH', `${root}/a`, {}, big), 400, '65536')
  const small = update(set('<x xmlns="urn:x:">1</x>'))
  refusedAs(t, await dav('PROPPATCH', `${root}/none`, {}, small), 404, 'none')
  refusedAs(t, await dav('PROPPATCH', root, {}, small), 403, 'root')
})

test('bodies that are not what they should be are 400', async (t) => {
  const { root } = await space()
  await dav('PUT', `${root}/a`, {}, 'x')
  for (const body of [
    'no xml',
    '<propfind xmlns="DAV:">',
    '<propfind/>',
    '<propfind xmlns="DAV:"/>',
    '<propfind xmlns="DAV:"><allprop/><propname/></propfind>',
    '<D:propfind xmlns:D="DAV:"><D:prop><bar:foo xmlns:bar=""/></D:prop></D:propfind>',
    '<D:propfind xmlns:D="DAV:"><D:prop><bar:foo/></D:prop></D:propfind>',
  ]) {
    refusedAs(t, await dav('PROPFIND', `${root}/a`, { depth: '0' }, body), 400)
  }
  for (const body of ['', '<propertyupdate/>', update(''), update('<D:set/>')]) {
    refusedAs(t, await dav('PROPPATCH', `${root}/a`, {}, body), 400)
  }
})
