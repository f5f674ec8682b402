import test from 'ava'
import { deltaOf } from '../../src/space/delta.js'
import { davChild, textOf } from '../../src/webdav/xml/element.js'
import { withServer } from './fixture.js'
import { type DavAnswer, refusedAs, refusedFor, told } from './support.js'

const on = withServer()
const { dav } = on
const space = async () => (await on.space()).root

interface Asked {
  readonly level?: '1' | 'infinite'
  readonly limit?: number
}

function ask(path: string, token: string, { level = 'infinite', limit }: Asked = {}): Promise<DavAnswer> {
  const cut = limit === undefined ? '' : `<limit><nresults>${limit}</nresults></limit>`
  const body =
    `<sync-collection xmlns="DAV:"><sync-token>${token}</sync-token><sync-level>${level}</sync-level>${cut}` +
    '<prop><getetag/></prop></sync-collection>'
  return dav('REPORT', path, { depth: '0' }, body)
}

/** Paths below the folder: as they are, or with a minus where they have gone; and the token to go on from. */
async function sync(path: string, token: string, asked?: Asked) {
  const answer = await ask(path, token, asked)
  const all = told(answer)
  const isCut = all.some(({ status }) => status === 507)
  const rows = all
    .filter(({ status }) => status !== 507)
    .map(({ href, status }) => `${status === 404 ? '-' : ''}${decodeURI(href.slice(path.length + 1))}`)
    .sort()
  const next = davChild(answer.xml(), 'sync-token')
  return { rows, token: next ? textOf(next) : '', isCut }
}

async function tree(root: string, ...paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    if (path.endsWith('/')) await dav('MKCOL', `${root}/${path}`)
    else await dav('PUT', `${root}/${path}`, {}, path)
  }
}

test('beginning anew tells all there is; then only what changed, made, and went', async (t) => {
  const root = await space()
  await tree(root, 'a', 'd/', 'd/b', 'd/e/', 'd/e/c', 'gone')
  await dav('DELETE', `${root}/gone`)
  const first = await sync(root, '')
  t.deepEqual(first.rows, ['a', 'd/', 'd/b', 'd/e/', 'd/e/c'])
  t.deepEqual((await sync(root, first.token)).rows, [])
  await tree(root, 'a', 'd/new', 'short')
  await dav('DELETE', `${root}/d/b`)
  await dav('DELETE', `${root}/short`)
  const second = await sync(root, first.token)
  t.deepEqual(second.rows, ['-d/b', '-short', 'a', 'd/new'])
  await dav('DELETE', `${root}/d`)
  // Of a folder that has gone nothing else is said (RFC 6578 §3.5.2).
  t.deepEqual((await sync(root, second.token)).rows, ['-d/'])
  await tree(root, 'd/', 'd/again')
  t.deepEqual((await sync(root, second.token)).rows, ['-d/e/', '-d/new', 'd/', 'd/again'])
})

test('a folder that moves is gone with all below, and all below is there under the new path', async (t) => {
  const root = await space()
  await tree(root, 'd/', 'd/x', 'd/y/', 'd/y/z')
  const { token } = await sync(root, '')
  await dav('MOVE', `${root}/d`, { destination: `${root}/moved` })
  await tree(root, 'moved/x')
  const { rows, token: next } = await sync(root, token)
  t.deepEqual(rows, ['-d/', 'moved/', 'moved/x', 'moved/y/', 'moved/y/z'])
  await dav('MOVE', `${root}/moved/x`, { destination: `${root}/X` })
  t.deepEqual((await sync(root, next)).rows, ['-moved/x', 'X'])
  await dav('MOVE', `${root}/X`, { destination: `${root}/x` })
  t.deepEqual((await sync(root, next)).rows, ['-X', '-moved/x', 'x'])
})

test('a copy is told with all that is in it', async (t) => {
  const root = await space()
  await tree(root, 'd/', 'd/x')
  const { token } = await sync(root, '')
  await dav('COPY', `${root}/d`, { destination: `${root}/copy` })
  t.deepEqual((await sync(root, token)).rows, ['copy/', 'copy/x'])
})

test('level 1 tells of the members only, a folder only of what is in it', async (t) => {
  const root = await space()
  await tree(root, 'a', 'd/', 'd/b')
  const first = await sync(root, '', { level: '1' })
  t.deepEqual(first.rows, ['a', 'd/'])
  const below = await sync(`${root}/d`, '')
  t.deepEqual(below.rows, ['b'])
  await tree(root, 'a', 'd/b', 'd/c')
  t.deepEqual((await sync(root, first.token, { level: '1' })).rows, ['a'])
  t.deepEqual((await sync(`${root}/d`, below.token)).rows, ['b', 'c'])
})

test('long answers are cut by 507, and the token goes on from there, also from the beginning', async (t) => {
  const root = await space()
  const { token: empty } = await sync(root, '')
  const names = Array.from({ length: 25 }, (_, i) => `f${i}`)
  await tree(root, ...names)
  for (const start of ['', empty]) {
    const seen = new Set<string>()
    let cuts = 0
    for (let token = start; ; ) {
      const part = await sync(root, token, { limit: 10 })
      t.true(part.rows.length <= 10)
      for (const row of part.rows) seen.add(row)
      token = part.token
      if (!part.isCut) break
      cuts++
    }
    t.is(cuts, 2)
    t.deepEqual([...seen].sort(), [...names].sort())
  }
  t.false((await sync(root, '', { limit: 25 })).isCut)
})

test('a change that is more than the client takes cannot be cut: 507', async (t) => {
  const root = await space()
  await tree(root, 'd/', 'd/a', 'd/b', 'd/c')
  const { token } = await sync(root, '')
  await dav('MOVE', `${root}/d`, { destination: `${root}/e` })
  refusedFor(t, await ask(root, token, { limit: 3 }), 507, 'number-of-matches-within-limits')
  t.deepEqual((await sync(root, token, { limit: 5 })).rows, ['-d/', 'e/', 'e/a', 'e/b', 'e/c'])
})

test('tokens that tell no state are 403 valid-sync-token: the client begins anew', async (t) => {
  const root = await space()
  await tree(root, 'd/', 'd/a')
  const { token } = await sync(`${root}/d`, '')
  const [, epoch] = /sync:(.*):\d+$/.exec(token) ?? []
  for (const wrong of [
    'nonsense',
    `urn:novem:sync:${epoch}:999`,
    'urn:novem:sync:other:1',
    'urn:novem:sync::',
  ]) {
    refusedFor(t, await ask(root, wrong), 403, 'valid-sync-token')
  }
  await dav('MOVE', `${root}/d`, { destination: `${root}/e` })
  refusedFor(t, await ask(`${root}/e`, token), 403, 'valid-sync-token')
  const root2 = await sync(root, '')
  await dav('MOVE', `${root}/e`, { destination: `${root}/f` })
  await tree(root, 'e/')
  // Which of the old members of e have gone cannot be told any more.
  refusedFor(t, await ask(root, root2.token), 403, 'valid-sync-token')
})

test('the token is a property of folders, and they say that they can be synchronised', async (t) => {
  const root = await space()
  await tree(root, 'a')
  const body = '<propfind xmlns="DAV:"><prop><sync-token/><supported-report-set/></prop></propfind>'
  const [folder, file] = told(await dav('PROPFIND', root, { depth: '1' }, body))
  t.is(folder?.text('sync-token'), (await sync(root, '')).token)
  t.truthy(folder?.properties.get('supported-report-set'))
  t.deepEqual(file?.named(404), ['sync-token', 'supported-report-set'])
})

test('what cannot be asked is refused', async (t) => {
  const root = await space()
  await tree(root, 'a')
  refusedFor(t, await dav('REPORT', root, {}, '<expand-property xmlns="DAV:"/>'), 403, 'supported-report')
  refusedFor(t, await ask(`${root}/a`, ''), 403, 'supported-report')
  refusedAs(t, await ask(`${root}/none`, ''), 404, 'none')
  refusedAs(t, await dav('REPORT', root, {}, '<sync-collection xmlns="DAV:"/>'), 400, 'sync-token')
  const body = (inner: string) => `<sync-collection xmlns="DAV:"><sync-token/>${inner}</sync-collection>`
  const level = body('<sync-level>2</sync-level>')
  refusedAs(t, await dav('REPORT', root, {}, level), 400, '"2"')
  refusedAs(t, await dav('REPORT', root, { depth: '1' }, body('<sync-level>1</sync-level>')), 400, 'Depth')
  refusedAs(t, await dav('REPORT', root, {}, body('<limit><nresults>0</nresults></limit>')), 400, '"0"')
  // Before the RFC the depth said it.
  t.is((await dav('REPORT', root, { depth: '1' }, body('<prop/>'))).status, 207)
})

test('a stretch of the journal: moves across the border, and of what is above', (t) => {
  const row = (change: 'create' | 'move' | 'delete', path: string, oldPath: string | null = null) => ({
    seq: 1,
    change,
    path,
    oldPath,
    kind: 'folder' as const,
    etag: null,
    size: null,
    created: 0,
  })
  const into = deltaOf([row('move', 'in/x', 'out/x')], 'in', true)
  t.deepEqual([[...into.touched.keys()], [...into.arrived], [...into.left]], [['in/x'], ['in/x'], []])
  const out = deltaOf([row('move', 'out/x', 'in/x')], 'in', true)
  t.deepEqual([[...out.touched.keys()], [...out.arrived], [...out.left]], [['in/x'], [], ['in/x']])
  for (const rows of [
    [row('move', 'in', 'out')],
    [row('move', 'b', 'in')],
    [row('delete', 'in')],
    [row('move', 'x', 'in/y'), row('delete', 'in')],
  ]) {
    t.true(deltaOf(rows, 'in/y', true).broken)
  }
  t.false(deltaOf([row('delete', 'in/yy'), row('move', 'iny', 'inz')], 'in/y', true).broken)
})
