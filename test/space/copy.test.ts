import test from 'ava'
import { at, LIMITS, type TestSpace, TestTree } from '../support/space.js'

let tree: TestTree
test.before(async () => {
  tree = await TestTree.start()
})
test.after.always(() => tree.stop())

const copy = (space: TestSpace, from: string, to: string, extra = {}) =>
  space.spaces.copy(space.op, at(from), at(to), extra)

test('a copy shares the blob, which goes with its last use', async (t) => {
  const space = await tree.space()
  const { entry: original } = await space.write('a/f', 7, { executable: true })
  const { entry, replaced } = await copy(space, 'a/f', 'g')
  t.false(replaced)
  t.like(entry, { kind: 'file', size: 7, executable: true, modified: original.modified })
  t.is(entry.kind === 'file' && entry.blob, original.blob)
  t.not(entry.etag, original.etag)
  t.not(entry.id, original.id)
  t.like((await space.journal()).at(-1), { change: 'create', path: 'g', etag: entry.etag, size: 7 })
  const freed = () => space.spaces.freed(space.op.space, Date.now() + 1000, 100)
  await space.remove('a', true)
  await space.spaces.reaped()
  t.deepEqual(await freed(), [])
  await space.remove('g')
  t.deepEqual(await freed(), [original.blob])
})

test('a copy replaces a file, never a folder, and makes no parents', async (t) => {
  const space = await tree.space()
  await space.write('f', 1)
  const { entry: old } = await space.write('old', 2)
  await space.mkdir('dir')
  const { entry, replaced } = await copy(space, 'f', 'OLD')
  t.true(replaced)
  t.like(entry, { id: old.id, name: 'old', size: 1 })
  t.like((await space.journal()).at(-1), { change: 'update', path: 'old' })
  await t.throwsAsync(copy(space, 'f', 'dir'), { code: 'FOLDER_EXISTS' })
  await t.throwsAsync(copy(space, 'f', 'f'), { code: 'INTO_ITSELF' })
  await t.throwsAsync(copy(space, 'dir', 'f'), { code: 'TYPE_CLASH' })
  await t.throwsAsync(copy(space, 'f', 'no/where'), { code: 'NO_PARENT' })
  await t.throwsAsync(copy(space, 'f', 'old', { ifNoneMatch: '*' }), { code: 'PRECONDITION_FAILED' })
  await t.throwsAsync(copy(space, 'nothing', 'x'), { code: 'NOT_FOUND' })
  t.is((await space.spaces.info(space.op)).bytes, 2)
})

test('a tree is copied whole: entries, totals, properties, journal', async (t) => {
  const space = await tree.space()
  await Promise.all(Array.from({ length: 900 }, (_, i) => space.write(`src/${i % 5}/${i % 3}/F${i}`, i)))
  const set = new Map([['{urn:x}p', '<p xmlns="urn:x"/>']])
  await space.spaces.changeProperties(space.op, at('src/0/0/F0'), { set })
  const before = await space.listing()
  const { entry } = await copy(space, 'src', 'Copy')
  t.like(entry, { kind: 'folder', name: 'Copy', entries: 920 })
  const after = await space.listing()
  t.is(after.size, before.size * 2)
  for (const [path, value] of before) {
    t.true(after.has(path.replace('src', 'Copy')), path)
    t.is(after.get(path), value)
  }
  t.deepEqual(await space.replay(), after)
  t.like(await space.spaces.info(space.op), { entries: 2 * before.size })
  const copied = (await space.stat('copy/0/0/f0')).entry
  t.deepEqual((await space.spaces.properties(space.op, [copied.id])).get(copied.id), set)
  await space.write('copy/0/new')
  await space.move('copy/0', 'moved')
  await space.remove('src', true)
  t.deepEqual(await space.replay(), await space.listing())
})

test('a shallow copy is the folder alone; a folder copies not into itself', async (t) => {
  const space = await tree.space()
  await space.write('d/e/f')
  await copy(space, 'd', 'shallow', { shallow: true })
  t.deepEqual(await space.names('shallow'), [])
  await t.throwsAsync(copy(space, 'd', 'd/e/x'), { code: 'INTO_ITSELF' })
})

test('a large folder is copied in order and stays pageable', async (t) => {
  const space = await tree.space()
  await Promise.all(Array.from({ length: 2100 }, (_, i) => space.write(`big/n${i}`, 1)))
  await copy(space, 'big', 'big2')
  await space.write('big2/zz', 1)
  const names: string[] = []
  for (let cursor: string | undefined; ; ) {
    const page = await space.spaces.list(space.op, at('big2'), { limit: 500, ...(cursor && { cursor }) })
    names.push(...page.entries.map((entry) => entry.name))
    cursor = page.cursor
    if (!cursor) break
  }
  t.is(names.length, 2101)
  t.is(new Set(names).size, 2101)
})

test('a copy that passes a limit leaves no trace, nor does one that is given up', async (t) => {
  const space = await tree.space({ ...LIMITS, entries: 5, spaceBytes: 99 })
  await space.write('d/e/f', 10)
  await space.write('d/g', 45)
  await t.throwsAsync(copy(space, 'd', 'x'), { code: 'TOO_MANY_ENTRIES' })
  await t.throwsAsync(copy(space, 'd/g', 'x'), { code: 'SPACE_FULL' })
  const roomy = { ...space.op, limits: LIMITS }
  await space.spaces.copy(roomy, at('d'), at('x'))
  await space.spaces.abandonCopies(space.op.space, Date.now() + 1000)
  await space.remove('x', true)
  await space.remove('d', true)
  await space.spaces.reaped()
  t.is((await space.spaces.freed(space.op.space, Date.now() + 1000, 100)).length, 2)
  const redis = await tree.redis.connect()
  const keys = await redis.keys(`{${space.op.space}}:*`)
  t.deepEqual(
    keys.filter((key) => /:(?:d|i|k|p|r)(?::|$)|:refs$/.test(key)),
    [],
  )
})
