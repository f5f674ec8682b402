import test from 'ava'
import { parsePath } from '../../src/space/names.js'
import { at, blob, LIMITS, TestTree } from '../support/space.js'

let tree: TestTree
test.before(async () => {
  tree = await TestTree.start()
})
test.after.always(() => tree.stop())

test('a write creates the file and its missing parents, each with a journal row', async (t) => {
  const space = await tree.space()
  const { created, entry } = await space.write('Reports/2026/q1.csv', 1834)
  t.true(created)
  t.is(entry.path, 'Reports/2026/q1.csv')
  t.is(entry.size, 1834)
  t.is(entry.contentType, 'text/plain')
  const rows = await space.journal()
  t.deepEqual(
    rows.map(({ seq, change, path, kind }) => [seq, change, path, kind]),
    [
      [1, 'create', 'Reports', 'folder'],
      [2, 'create', 'Reports/2026', 'folder'],
      [3, 'create', 'Reports/2026/q1.csv', 'file'],
    ],
  )
  t.is(rows[2]?.etag, entry.etag)
})

test('replacing keeps id, creation time and the name’s case; the etag is new', async (t) => {
  const space = await tree.space()
  const first = await space.write('Report.csv', 1)
  const second = await space.write('report.CSV', 2)
  t.false(second.created)
  t.is(second.entry.name, 'Report.csv')
  t.is(second.entry.id, first.entry.id)
  t.is(second.entry.created, first.entry.created)
  t.not(second.entry.etag, first.entry.etag)
  t.deepEqual(await space.names(), ['Report.csv'])
})

test('totals of folders and space follow every change', async (t) => {
  const space = await tree.space()
  await space.write('a/b/one', 10)
  await space.write('a/two', 20)
  await space.write('a/two', 25)
  let a = (await space.stat('a')).entry
  t.like(a, { kind: 'folder', size: 35, entries: 3 })
  await space.move('a/b', 'c/d')
  a = (await space.stat('a')).entry
  t.like(a, { size: 25, entries: 1 })
  t.like((await space.stat('c')).entry, { size: 10, entries: 2 })
  await space.remove('c', true)
  t.like(await space.spaces.info(space.op), { bytes: 25, entries: 2 })
})

test('a folder’s etag changes with whatever changes below it, and only then', async (t) => {
  const space = await tree.space()
  await space.write('a/b/file')
  await space.write('other/file')
  const before = (await space.stat('a')).entry.etag
  await space.write('other/file')
  t.is((await space.stat('a')).entry.etag, before)
  await space.write('a/b/file')
  t.not((await space.stat('a')).entry.etag, before)
})

test('preconditions guard writes', async (t) => {
  const space = await tree.space()
  const { entry } = await space.write('f')
  await t.throwsAsync(space.write('f', 1, { ifNoneMatch: '*' }), {
    code: 'PRECONDITION_FAILED',
    message: /If-None-Match.*"f"/,
  })
  await t.throwsAsync(space.write('f', 1, { ifMatch: ['0'.repeat(32)] }), { code: 'PRECONDITION_FAILED' })
  await t.throwsAsync(space.write('f', 1, { ifMatch: ['garbage'] }), { code: 'PRECONDITION_FAILED' })
  await t.throwsAsync(space.write('new', 1, { ifMatch: '*' }), { code: 'PRECONDITION_FAILED' })
  await t.notThrowsAsync(space.write('f', 1, { ifMatch: ['0'.repeat(32), entry.etag] }))
})

test('a file in the way is a type clash, and so is a folder at the path', async (t) => {
  const space = await tree.space()
  await space.write('file')
  await space.mkdir('folder')
  await t.throwsAsync(space.write('file/below'), { code: 'TYPE_CLASH', message: /"file" is a file/ })
  await t.throwsAsync(space.write('folder'), { code: 'TYPE_CLASH', message: /"folder" is a folder/ })
  await t.throwsAsync(space.mkdir('file'), { code: 'TYPE_CLASH' })
  await t.throwsAsync(space.move('folder', 'file'), { code: 'TYPE_CLASH' })
  await t.throwsAsync(space.stat('file/below'), { code: 'NOT_FOUND' })
})

test('limits refuse before anything changes', async (t) => {
  const space = await tree.space({ ...LIMITS, fileBytes: 100, spaceBytes: 150, entries: 3 })
  await t.throwsAsync(space.write('f', 101), { code: 'FILE_TOO_LARGE', message: /"f".*100 bytes/ })
  await space.write('f', 100)
  await t.throwsAsync(space.write('g', 51), { code: 'SPACE_FULL', message: /150/ })
  await t.throwsAsync(space.write('a/b/c', 1), { code: 'TOO_MANY_ENTRIES', message: /at most 3/ })
  t.deepEqual(await space.names(), ['f'])
  await space.write('f', 50)
  await space.write('a/b', 100)
  t.is((await space.journal()).length, 4)
})

test('mkdir makes parents and is idempotent', async (t) => {
  const space = await tree.space()
  t.true((await space.mkdir('a/B/c')).created)
  const again = await space.mkdir('A/b/C')
  t.false(again.created)
  t.is(again.entry.path, 'a/B/c')
  t.is((await space.journal()).length, 3)
})

test('a move keeps id and etag, overwrites a file with its tombstone first, and makes parents', async (t) => {
  const space = await tree.space()
  const { entry } = await space.write('a', 1)
  const old = await space.write('to/b', 2)
  const moved = await space.move('a', 'to/B')
  t.like(moved, { from: 'a', replaced: true })
  t.like(moved.entry, { id: entry.id, etag: entry.etag, path: 'to/B' })
  const rows = (await space.journal()).slice(-2)
  t.like(rows[0], { change: 'delete', path: 'to/b', etag: old.entry.etag, size: 2 })
  t.like(rows[1], { change: 'move', path: 'to/B', oldPath: 'a', etag: entry.etag })
  await space.move('to/B', 'x/y/z')
  t.deepEqual([...(await space.listing()).keys()], ['to', 'x', 'x/y', 'x/y/z'])
  t.deepEqual(await space.replay(), await space.listing())
})

test('moves that make no sense are refused', async (t) => {
  const space = await tree.space()
  await space.write('dir/f')
  await space.mkdir('full')
  await t.throwsAsync(space.move('dir', 'dir/sub/x'), {
    code: 'INTO_ITSELF',
    message: /"dir".*"dir\/sub\/x"/,
  })
  await t.throwsAsync(space.move('dir/f', 'full'), { code: 'FOLDER_EXISTS' })
  await t.throwsAsync(space.move('dir', 'full'), { code: 'FOLDER_EXISTS' })
  await t.throwsAsync(space.move('nothing', 'x'), { code: 'NOT_FOUND', message: /"nothing"/ })
  await space.write('g')
  await t.throwsAsync(space.move('g', 'dir/f', { ifNoneMatch: '*' }), { code: 'PRECONDITION_FAILED' })
  await t.throwsAsync(space.move('g', 'new', { ifMatch: ['0'.repeat(32)] }), { code: 'PRECONDITION_FAILED' })
  await t.throwsAsync(space.spaces.move(space.op, at(''), at('x')), { code: 'NOT_ALLOWED' })
})

test('a rename that changes only case or normal form works; one that changes nothing leaves no row', async (t) => {
  const space = await tree.space()
  await space.write('re\u0301sume\u0301')
  await space.write('Dir/f')
  await space.move('Dir', 'DIR', { ifNoneMatch: '*' })
  t.deepEqual(await space.names(), ['DIR', 'résumé'])
  t.is((await space.stat('dir/f')).entry.path, 'DIR/f')
  const before = (await space.journal()).length
  await space.move('dir', 'DIR')
  t.is((await space.journal()).length, before)
})

test('descendants’ limits refuse a move whole, also where the bounds were stale', async (t) => {
  const space = await tree.space()
  const deep = Array.from({ length: 63 }, () => 'd').join('/')
  await space.mkdir(deep)
  await t.throwsAsync(space.move('d', 'x/y/d'), {
    code: 'BAD_PATH',
    message: /65 levels deep; the limit is 64/,
  })
  await space.move('d', 'x/d')
  await space.remove('x/d/d', true)
  await space.move('x/d', 'a/b/c/d/e')
  t.is((await space.stat('a/b/c/d/e')).entry.path, 'a/b/c/d/e')
  const long = `${'n'.repeat(250)}/${'n'.repeat(250)}/${'n'.repeat(250)}/${'n'.repeat(250)}`
  await space.mkdir(`l/${long}`)
  await t.throwsAsync(space.move('l', 'longer-than-before-by-far'), { code: 'BAD_PATH', message: /1024/ })
})

test('delete wants recursive for a folder with entries, and its tombstones come children first', async (t) => {
  const space = await tree.space()
  await space.write('a/b/c', 1)
  await space.write('a/d', 2)
  await t.throwsAsync(space.remove('a'), { code: 'NOT_EMPTY', message: /"a".*3 entries/ })
  const listing = await space.listing()
  t.is((await space.remove('a', true)).deleted, 4)
  const rows = (await space.journal()).slice(4)
  t.deepEqual(
    rows.map(({ seq, change, path }) => [seq, change, path]),
    [
      [5, 'delete', 'a/b/c'],
      [6, 'delete', 'a/b'],
      [7, 'delete', 'a/d'],
      [8, 'delete', 'a'],
    ],
  )
  t.is((await space.replay()).size, 0)
  t.deepEqual(await space.replay(4), listing)
  await t.throwsAsync(space.stat('a'), { code: 'NOT_FOUND' })
})

test('the journal of a large recursive delete is right at every seq, whoever reads first', async (t) => {
  const space = await tree.space()
  await Promise.all(Array.from({ length: 700 }, (_, i) => space.write(`big/${i % 7}/${i % 3}/file${i}`, i)))
  const before = await space.listing()
  await space.remove('big', true)
  const latest = (await space.journal()).length
  const early = await space.spaces.changes(space.op, { since: latest - 5, limit: 3 })
  t.deepEqual(
    early.changes.map((row) => row.seq),
    [latest - 4, latest - 3, latest - 2],
  )
  t.deepEqual(await space.replay(before.size), before)
  const some = await space.replay(before.size + 300)
  t.is(some.size, before.size - 300)
  for (const path of some.keys()) {
    const parent = path.slice(0, Math.max(0, path.lastIndexOf('/')))
    t.true(parent === '' || some.has(parent), `${path} lost its folder`)
  }
  await space.spaces.reaped()
  t.is((await space.replay()).size, 0)
})

test('base addresses a folder wherever it is, and makes no parents', async (t) => {
  const space = await tree.space()
  const { entry } = await space.mkdir('a/b')
  await space.move('a/b', 'c')
  const written = await space.spaces.write(space.op, at('f', entry.id), blob(), { contentType: 'text/plain' })
  t.is(written.entry.path, 'c/f')
  await t.throwsAsync(space.spaces.write(space.op, at('x/f', entry.id), blob(), { contentType: 'x/y' }), {
    code: 'NO_PARENT',
  })
  await space.remove('c', true)
  await t.throwsAsync(space.spaces.stat(space.op, at('f', entry.id)), { code: 'NOT_FOUND', message: /id/ })
})

test('times and exec bit change without the etag, with an update row', async (t) => {
  const space = await tree.space()
  const { entry } = await space.write('f')
  const attributes = { modified: 1000, executable: true }
  const { entry: touched, mark } = await space.spaces.setAttributes(space.op, at('f'), attributes)
  t.like(touched, { ...attributes, etag: entry.etag })
  t.like((await space.journal()).at(-1), { change: 'update', path: 'f', etag: entry.etag, seq: mark.seq })
  const again = await space.write('f')
  t.true(again.entry.executable)
})

test('a folder is paged in one order, small or large, also while it grows and shrinks', async (t) => {
  const space = await tree.space()
  const names = Array.from({ length: 2500 }, (_, i) => `N${String(i).padStart(5, '0')}`)
  await Promise.all(names.slice(0, 2000).map((name) => space.write(`big/${name}`)))
  const first = await space.spaces.list(space.op, at('big'), { limit: 1000 })
  await Promise.all(names.slice(2000).map((name) => space.write(`big/${name}`)))
  await Promise.all(names.slice(0, 500).map((name) => space.remove(`big/${name}`)))
  const seen = first.entries.map((entry) => entry.name)
  for (let cursor = first.cursor; cursor; ) {
    const page = await space.spaces.list(space.op, at('big'), { limit: 700, cursor })
    seen.push(...page.entries.map((entry) => entry.name))
    cursor = page.cursor
  }
  t.deepEqual(seen, names)
  await t.throwsAsync(space.spaces.list(space.op, at('big'), { cursor: '%' }), { code: 'BAD_REQUEST' })
})

test('nobody but the owner finds the space; a deleted one is found by nobody', async (t) => {
  const space = await tree.space()
  await space.write('f')
  const stranger = {
    ...space.op,
    caller: { accountId: 'somebody', grant: { space: 'another', letter: 'w' as const } },
  }
  await t.throwsAsync(space.spaces.stat(stranger, at('f')), {
    code: 'NOT_FOUND',
    message: 'There is no such space.',
  })
  await t.throwsAsync(space.spaces.write(stranger, at('f'), blob(), { contentType: 'x/y' }), {
    code: 'NOT_FOUND',
  })
  await space.spaces.deleteSpace(space.op.space)
  await t.throwsAsync(space.stat('f'), { code: 'NOT_FOUND' })
  await space.spaces.reaped()
  const freed = await space.spaces.freed(space.op.space, Date.now() + 1000, 100)
  t.is(freed.length, 1)
  await space.spaces.forget(space.op.space, freed)
  t.true(await space.spaces.burySpace(space.op.space))
  const redis = await tree.redis.connect()
  t.deepEqual(await redis.keys(`{${space.op.space}}*`), [])
})

test('an idempotency key gets the first answer again, an error too, and belongs to one request', async (t) => {
  const space = await tree.space()
  const op = { ...space.op, idempotencyKey: 'k1' }
  const first = await space.spaces.write(op, at('f'), blob(1), { contentType: 'a/b' })
  await space.write('f', 2)
  const again = await space.spaces.write(op, at('f'), blob(1), { contentType: 'a/b' })
  t.is(again.entry.etag, first.entry.etag)
  t.true(again.created)
  t.is((await space.stat('f')).entry.size, 2)
  await t.throwsAsync(space.spaces.mkdir(op, at('d')), { code: 'BAD_REQUEST', message: /Idempotency-Key/ })
  const failing = { ...space.op, idempotencyKey: 'k2' }
  await t.throwsAsync(space.spaces.remove(failing, at('later')), { code: 'NOT_FOUND' })
  await space.write('later')
  await t.throwsAsync(space.spaces.remove(failing, at('later')), { code: 'NOT_FOUND' })
})

test('a doomed blob can no longer be linked; one that was is known to be', async (t) => {
  const space = await tree.space()
  const lost = blob()
  t.is(await space.spaces.claimPending(space.op.space, lost.id, Date.now()), 'dead')
  await t.throwsAsync(space.spaces.write(space.op, at('f'), lost, { contentType: 'a/b' }), { code: 'BUSY' })
  const { entry } = await space.write('g')
  t.is(await space.spaces.claimPending(space.op.space, entry.blob, Date.now()), 'live')
})

test('paths are parsed once for all surfaces', (t) => {
  t.deepEqual(parsePath('/a//B/').names, ['a', 'B'])
})
