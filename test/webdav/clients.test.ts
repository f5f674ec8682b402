import test, { type ExecutionContext } from 'ava'
import { withServer } from './fixture.js'
import { type DavAnswer, type DavRequest, davOf, journal, told, toldOne } from './support.js'

/** What clients that cannot run here send, request by request, with the headers that matter (webdav.md §4). */

const on = withServer()
const { dav, space } = on
const anonymous: DavRequest = (...request) => davOf(on.server)(...request)

function is(t: ExecutionContext, answer: DavAnswer, ...statuses: readonly number[]): DavAnswer {
  t.true(
    statuses.includes(answer.status),
    `${answer.status} instead of ${statuses.join(' or ')}: ${answer.text}`,
  )
  return answer
}

const tokenOf = ({ headers }: DavAnswer) => (headers['lock-token'] ?? '').slice(1, -1)

test('Windows Explorer: connects, copies a file in, and deletes it', async (t) => {
  const { name, root } = await space()
  const agent = { 'user-agent': 'Microsoft-WebDAV-MiniRedir/10.0.19045', translate: 'f' }
  // Every request first without credentials; OPTIONS, then PROPFIND, of the parents from the root down.
  for (const path of ['/', '/dav', root]) {
    const options = is(t, await anonymous('OPTIONS', path, agent), 200)
    t.regex(options.headers.dav ?? '', /\b1, 2\b/)
    t.is(options.headers['ms-author-via'], 'DAV')
    const refused = is(
      t,
      await anonymous('PROPFIND', path, { ...agent, depth: '0', 'content-length': '0' }),
      401,
    )
    t.regex(refused.headers['www-authenticate'] ?? '', /^Basic /)
    const [one] = told(await dav('PROPFIND', path, { ...agent, depth: '0', 'content-length': '0' }))
    t.true(one?.properties.get('resourcetype')?.element.children.length === 1, 'a collection')
  }
  for (const probe of ['desktop.ini', 'Thumbs.db', 'folder.jpg', 'AutoRun.inf']) {
    is(t, await dav('PROPFIND', `${root}/${probe}`, { ...agent, depth: '0' }), 404)
  }
  const quota =
    '<D:propfind xmlns:D="DAV:"><D:prop><D:quota-available-bytes/><D:quota-used-bytes/></D:prop></D:propfind>'
  t.regex(
    toldOne(await dav('PROPFIND', root, { ...agent, depth: '0' }, quota)).text('quota-available-bytes') ?? '',
    /^\d+$/,
  )
  // The copy.
  const file = `${root}/Neu%20é.txt`.replace('é', '%C3%A9')
  is(t, await dav('PROPFIND', file, { ...agent, depth: '0' }), 404)
  is(t, await dav('PUT', file, { ...agent, 'content-length': '0' }), 201)
  const lock = is(
    t,
    await dav(
      'LOCK',
      file,
      { ...agent, depth: 'infinity', timeout: 'Second-3600', 'content-type': 'text/xml; charset="utf-8"' },
      '<?xml version="1.0" encoding="utf-8" ?><D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope>' +
        '<D:locktype><D:write/></D:locktype><D:owner><D:href>PC\\user</D:href></D:owner></D:lockinfo>',
    ),
    200,
  )
  const withToken = { ...agent, if: `(<${tokenOf(lock)}>)` }
  const times =
    '<?xml version="1.0" encoding="utf-8" ?><D:propertyupdate xmlns:D="DAV:" xmlns:Z="urn:schemas-microsoft-com:"><D:set><D:prop>' +
    '<Z:Win32CreationTime>Sat, 01 Mar 2025 10:00:00 GMT</Z:Win32CreationTime>' +
    '<Z:Win32LastAccessTime>Sat, 01 Mar 2025 10:00:00 GMT</Z:Win32LastAccessTime>' +
    '<Z:Win32LastModifiedTime>Sat, 01 Mar 2025 10:00:00 GMT</Z:Win32LastModifiedTime>' +
    '<Z:Win32FileAttributes>00000020</Z:Win32FileAttributes></D:prop></D:set></D:propertyupdate>'
  t.is(toldOne(await dav('PROPPATCH', file, withToken, times)).named(200).length, 4)
  t.truthy(is(t, await dav('HEAD', file, agent), 200).headers.etag)
  is(t, await dav('PUT', file, withToken, 'content'), 204)
  t.is(toldOne(await dav('PROPPATCH', file, withToken, times)).named(200).length, 4)
  is(t, await dav('UNLOCK', file, { ...agent, 'lock-token': `<${tokenOf(lock)}>` }), 204)
  const listed = told(await dav('PROPFIND', `${root}/`, { ...agent, depth: '1', 'content-length': '0' }))
  t.is(listed[1]?.text('getlastmodified'), 'Sat, 01 Mar 2025 10:00:00 GMT')
  t.is(listed[1]?.text('{urn:schemas-microsoft-com:}Win32FileAttributes'), '00000020')
  t.is(listed[1]?.text('getcontentlength'), '7')
  is(
    t,
    await dav('MOVE', file, {
      ...agent,
      destination: `http://127.0.0.1:${on.server.port}${root}/b.txt`,
      overwrite: 'F',
    }),
    201,
  )
  is(t, await dav('DELETE', `${root}/b.txt`, agent), 204)
  t.deepEqual(await journal(on.server, name), [
    'create Neu é.txt',
    'update Neu é.txt',
    'update Neu é.txt',
    'update Neu é.txt',
    'move b.txt',
    'delete b.txt',
  ])
})

test('Finder: mounts, looks for its own files, copies a file with its shadow, and sees the free space', async (t) => {
  const { root } = await space()
  const agent = { 'user-agent': 'WebDAVFS/3.0.0 (03008000) Darwin/23.0.0 (x86_64)' }
  t.regex(is(t, await dav('OPTIONS', `${root}/`, agent), 200).headers.dav ?? '', /\b2\b/)
  const stat =
    '<?xml version="1.0" encoding="utf-8"?><D:propfind xmlns:D="DAV:"><D:prop><D:getlastmodified/><D:getcontentlength/>' +
    '<D:creationdate/><D:resourcetype/></D:prop></D:propfind>'
  const statfs =
    '<?xml version="1.0" encoding="utf-8"?><D:propfind xmlns:D="DAV:"><D:prop><D:quota-available-bytes/>' +
    '<D:quota-used-bytes/><D:quota/><D:quotaused/></D:prop></D:propfind>'
  const free = toldOne(await dav('PROPFIND', `${root}/`, { ...agent, depth: '0' }, statfs))
  t.deepEqual(free.named(200), ['quota-available-bytes', 'quota-used-bytes'])
  for (const probe of [
    '.DS_Store',
    '._.',
    '.metadata_never_index',
    '.Spotlight-V100',
    '.hidden',
    'a.txt',
    '._a.txt',
  ]) {
    is(t, await dav('PROPFIND', `${root}/${probe}`, { ...agent, depth: '0' }, stat), 404)
  }
  const lockBody =
    '<?xml version="1.0" encoding="utf-8"?><D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope>' +
    '<D:locktype><D:write/></D:locktype><D:owner><D:href>http://www.apple.com/webdav_fs/</D:href></D:owner></D:lockinfo>'
  for (const name of ['a.txt', '._a.txt', '.DS_Store']) {
    const path = `${root}/${name}`
    is(t, await dav('PUT', path, { ...agent, 'content-length': '0' }), 201)
    const lock = is(
      t,
      await dav('LOCK', path, { ...agent, depth: '0', timeout: 'Second-600' }, lockBody),
      200,
    )
    const put = await dav(
      'PUT',
      path,
      {
        ...agent,
        if: `(<${tokenOf(lock)}>)`,
        'transfer-encoding': 'chunked',
        'x-expected-entity-length': '7',
        expect: '100-continue',
      },
      'content',
    )
    t.truthy(is(t, put, 204).headers.etag)
    const refreshed = await dav('LOCK', path, { ...agent, if: `(<${tokenOf(lock)}>)`, timeout: 'Second-600' })
    is(t, refreshed, 200)
    is(t, await dav('UNLOCK', path, { ...agent, 'lock-token': `<${tokenOf(lock)}>` }), 204)
    t.is(toldOne(await dav('PROPFIND', path, { ...agent, depth: '0' }, stat)).text('getcontentlength'), '7')
  }
  const { headers } = await dav('GET', `${root}/a.txt`, agent)
  is(t, await dav('GET', `${root}/a.txt`, { ...agent, 'if-none-match': headers.etag ?? '' }), 304)
  // Names come decomposed, and are the same as composed ones.
  is(t, await dav('MKCOL', `${root}/u%CC%88ber/`, agent), 201)
  is(t, await dav('PROPFIND', `${root}/%C3%BCber/`, { ...agent, depth: '0' }, stat), 207)
})

test('Office: opens for editing, refreshes, saves by PUT, DELETE and PUT under locks, and closes', async (t) => {
  const { root } = await space()
  const agent = { 'user-agent': 'Microsoft Office Word 2016', 'x-requested-with': 'x' }
  const file = `${root}/report.docx`
  is(t, await dav('PUT', file, {}, 'version 1'), 201)
  const options = is(t, await anonymous('OPTIONS', `${root}/`, agent), 200)
  t.is(options.headers['ms-author-via'], 'DAV')
  t.true(options.headers.allow?.includes('LOCK'))
  t.is(options.headers['www-authenticate'], undefined)
  const head = is(t, await dav('HEAD', file, agent), 200)
  t.truthy(head.headers.etag)
  t.is(head.headers['www-authenticate'], undefined)
  const take = (path: string) =>
    dav(
      'LOCK',
      path,
      { ...agent, timeout: 'Second-3600', depth: '0' },
      '<?xml version="1.0"?><a:lockinfo xmlns:a="DAV:"><a:lockscope><a:exclusive/></a:lockscope><a:locktype><a:write/>' +
        '</a:locktype><a:owner><a:href>user</a:href></a:owner></a:lockinfo>',
    )
  const lock = is(t, await take(file), 200)
  // The file that says who has it open: a name that was free.
  const own = is(t, await take(`${root}/~$report.docx`), 201)
  is(t, await dav('PUT', `${root}/~$report.docx`, { ...agent, if: `(<${tokenOf(own)}>)` }, 'me'), 204)
  is(t, await dav('GET', file, agent), 200)
  is(t, await dav('LOCK', file, { ...agent, if: `(<${tokenOf(lock)}>)`, timeout: 'Second-3600' }), 200)
  const saved = is(t, await dav('PUT', file, { ...agent, if: `(<${tokenOf(lock)}>)` }, 'version 2'), 204)
  // The old way of saving: the lock goes with the file, and the name can be taken anew.
  is(
    t,
    await dav('DELETE', file, { ...agent, if: `(<${tokenOf(lock)}>)`, 'if-match': saved.headers.etag ?? '' }),
    204,
  )
  is(t, await dav('PUT', file, agent, 'version 3'), 201)
  const again = is(t, await take(file), 200)
  is(t, await dav('PUT', file, { ...agent, 'lock-token': `<${tokenOf(again)}>` }, 'version 4'), 204)
  is(t, await dav('UNLOCK', file, { ...agent, 'lock-token': `<${tokenOf(again)}>` }), 204)
  is(t, await dav('DELETE', `${root}/~$report.docx`, { ...agent, if: `(<${tokenOf(own)}>)` }), 204)
  t.is((await dav('GET', file)).text, 'version 4')
})

test('GNOME’s gvfs: looks at the parents, lists, renames without Overwrite, replaces with If', async (t) => {
  const { root } = await space()
  const agent = { 'user-agent': 'gvfs/1.50.3' }
  t.regex(is(t, await dav('OPTIONS', `${root}/`, agent), 200).headers.dav ?? '', /\b1\b/)
  const body =
    '<?xml version="1.0" encoding="utf-8" ?>\n <D:propfind xmlns:D="DAV:">\n  <D:prop>\n<D:creationdate/>\n<D:displayname/>\n' +
    '<D:getcontentlength/>\n<D:getcontenttype/>\n<D:getetag/>\n<D:getlastmodified/>\n<D:resourcetype/>\n</D:prop>\n</D:propfind>'
  for (const path of ['/', '/dav/', `${root}/`]) {
    const headers = { ...agent, depth: '0', 'content-type': 'application/xml' }
    is(t, await dav('PROPFIND', path, headers, body), 207)
  }
  const put = is(t, await dav('PUT', `${root}/a`, { ...agent, 'if-none-match': '*' }, 'a'), 201)
  is(t, await dav('PUT', `${root}/a`, { ...agent, 'if-match': put.headers.etag ?? '' }, 'b'), 204)
  is(
    t,
    await dav('MOVE', `${root}/a`, { ...agent, destination: `http://127.0.0.1:${on.server.port}${root}/b` }),
    201,
  )
  is(t, await dav('PUT', `${root}/c`, agent, 'c'), 201)
  is(
    t,
    await dav('MOVE', `${root}/c`, { ...agent, destination: `http://127.0.0.1:${on.server.port}${root}/b` }),
    204,
  )
  is(
    t,
    await dav('COPY', `${root}/b`, {
      ...agent,
      destination: `http://127.0.0.1:${on.server.port}${root}/d`,
      overwrite: 'F',
    }),
    201,
  )
  const listed = told(await dav('PROPFIND', `${root}/`, { ...agent, depth: '1' }, body))
  t.deepEqual(
    listed.map(({ href }) => href),
    [`${root}/`, `${root}/b`, `${root}/d`],
  )
})

test('a browser sees a page: everything escaped, nothing that runs', async (t) => {
  const { root } = await space()
  const nasty = `'&"onmouseover=alert(1) x='.txt`.replaceAll('"', '')
  is(t, await dav('PUT', `${root}/${encodeURIComponent(nasty)}`, {}, 'x'), 201)
  is(t, await dav('MKCOL', `${root}/folder`), 201)
  is(
    t,
    await dav('PUT', `${root}/page.html`, { 'content-type': 'text/html' }, '<script>alert(1)</script>'),
    201,
  )
  const accept = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }
  const page = is(t, await dav('GET', `${root}/`, accept), 200)
  t.regex(page.headers['content-type'] ?? '', /^text\/html/)
  t.regex(page.headers['content-security-policy'] ?? '', /default-src 'none'/)
  t.true(page.text.includes(`href="${root}/folder/">folder/</a>`), page.text)
  t.false(/<script|href="javascript|onmouseover=alert\(1\)[^<]*"[^<]*>/i.test(page.text), page.text)
  t.true(page.text.includes('&amp;'))
  const html = await dav('GET', `${root}/page.html`, accept)
  t.regex(html.headers['content-disposition'] ?? '', /^attachment/)
  t.is(html.headers['x-content-type-options'], 'nosniff')
  t.true(is(t, await dav('GET', '/dav/', accept), 200).text.includes(`href="${root}/"`))
  t.is(is(t, await dav('HEAD', `${root}/`, accept), 200).text, '')
})
