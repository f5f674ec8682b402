import test, { type ExecutionContext } from 'ava'
import { fsck } from '../../src/space/fsck.js'
import { ROOT } from '../../src/space/names.js'
import type { Grafted, GraftSource } from '../../src/space/operations.js'
import type { OpContext } from '../../src/space/types.js'
import { Load } from '../support/load.js'
import { NamedBlobs } from '../support/named-blobs.js'
import { at, LIMITS, type TestSpace, TestTree } from '../support/space.js'

/** What comes from elsewhere appears in one step, when all of it is there. */

let tree: TestTree
test.before(async () => {
  tree = await TestTree.start()
})
test.after.always(() => tree.stop())

const many = (count: number, per = 50) =>
  Array.from({ length: count }, (_, i) => (i % per === 0 ? [`F${i}/`] : [`F${i - (i % per)}/x${i}`])).flat()

async function well(t: ExecutionContext, space: TestSpace, blobs: NamedBlobs): Promise<void> {
  const redis = await tree.redis.connect()
  t.deepEqual((await fsck({ redis, blobs }, { spaces: [space.op.space] })).problems, [])
  t.deepEqual(await space.replay(), await space.listing())
}

test('a tree of several steps appears at once: entries, totals, properties, journal, fsck', async (t) => {
  const space = await tree.space()
  await space.mkdir('to')
  const properties = new Map([['{urn:x}p', '<p xmlns="urn:x"/>']])
  const load = new Load(space.op, ['a/', 'a/B/', 'a/B/É', ...many(700)], 10, properties)
  const before = (await space.stat('')).mark.seq
  load.before = async () => t.deepEqual(await space.names('to'), [])
  const { entry, replaced, mark } = await space.spaces.graft(space.op, at('to/Here'), load)
  t.false(replaced)
  t.like(entry, { kind: 'folder', path: 'to/Here', modified: 1000, size: load.size, entries: 703 })
  t.is(mark.seq, before + 704)
  t.deepEqual([...(await space.listing()).keys()], ['to', ...load.listing('to/Here')])
  const { entry: file } = await space.stat('to/here/A/b/é')
  t.like(file, { name: 'É', modified: 2000, contentType: 'text/ü', executable: true, size: 10 })
  t.deepEqual((await space.spaces.properties(space.op, [file.id, entry.id])).get(file.id), properties)
  t.deepEqual((await space.spaces.properties(space.op, [file.id, entry.id])).get(entry.id), properties)
  t.like((await space.stat('to/here/F50')).entry, { entries: 49, size: 490 })
  t.is(new Set(load.linkedBlobs).size, load.size / 10)
  await well(t, space, load.blobs)
  await space.move('to/Here/a', 'moved')
  await space.remove('to', true)
  await space.spaces.reaped()
  await well(t, space, load.blobs)
})

test('a large folder gets its index, and stays pageable', async (t) => {
  const space = await tree.space()
  const load = new Load(space.op, ['big/', ...Array.from({ length: 2600 }, (_, i) => `big/n${i}`)])
  await space.spaces.graft(space.op, at('to'), load)
  const page = await space.spaces.list(space.op, at('to/big'), { limit: 100 })
  t.is(page.entries.length, 100)
  t.truthy(page.cursor)
  await space.spaces.write(space.op, at('to/big/zz'), load.blobs.put(1), { contentType: 'a/b' })
  await well(t, space, load.blobs)
})

test('it replaces what it is told to, in the same step, and nothing else', async (t) => {
  const space = await tree.space()
  await space.write('folder/old/f', 5)
  await space.write('file', 5)
  const graft = (to: string, request = {}) => {
    const load = new Load(space.op, ['x/', 'x/y'])
    return space.spaces.graft(space.op, at(to), load, request)
  }
  await t.throwsAsync(graft('folder'), { code: 'FOLDER_EXISTS' })
  await t.throwsAsync(graft('file'), { code: 'TYPE_CLASH' })
  await t.throwsAsync(graft('file', { ifNoneMatch: '*' }), { code: 'PRECONDITION_FAILED' })
  await t.throwsAsync(graft('no/where'), { code: 'NO_PARENT' })
  t.true((await graft('folder', { overwrite: true })).replaced)
  t.true((await graft('file', { overwrite: true })).replaced)
  t.deepEqual(
    [...(await space.listing()).keys()],
    ['file', 'file/x', 'file/x/y', 'folder', 'folder/x', 'folder/x/y'],
  )
  t.deepEqual(await space.replay(), await space.listing())
})

test('a file comes with its properties; over a file it keeps that one’s id', async (t) => {
  const space = await tree.space()
  const blobs = new NamedBlobs()
  const properties = new Map([['{urn:x}p', '<p xmlns="urn:x"/>']])
  const graft = async (to: string) => {
    const file = { blob: blobs.put(7), contentType: 'text/x', executable: false }
    const { op } = space
    const one = async function* (): AsyncGenerator<Grafted> {
      yield { path: ROOT, modified: 1000, properties, file }
    }
    const source = { size: 7, entries: one(), reload: async () => op, linked: async () => undefined }
    return space.spaces.graft(op, at(to), source, { overwrite: true })
  }
  const made = await graft('f')
  t.like(made, { replaced: false, entry: { kind: 'file', size: 7, contentType: 'text/x', modified: 1000 } })
  await space.spaces.changeProperties(space.op, at('f'), { set: new Map([['{urn:x}other', '<o/>']]) })
  const replaced = await graft('F')
  t.like(replaced, { replaced: true, entry: { id: made.entry.id, name: 'f', path: 'f' } })
  t.deepEqual((await space.spaces.properties(space.op, [made.entry.id])).get(made.entry.id), properties)
  t.deepEqual(
    (await space.journal()).map(({ change, path }) => `${change} ${path}`),
    ['create f', 'update f', 'update f'],
  )
  await space.spaces.write(space.op, at('d/x'), blobs.put(1), { contentType: 'a/b' })
  t.like(await graft('d'), { replaced: true, entry: { kind: 'file' } })
  await well(t, space, blobs)
})

test('limits, locks and access: said before anything comes, and again when it has come', async (t) => {
  const space = await tree.space({ ...LIMITS, entries: 4, spaceBytes: 25 })
  const never = (op: OpContext, paths: readonly string[]) => {
    const load = new Load(op, paths)
    load.before = () => t.fail('nothing should have been read')
    return load
  }
  const refused = (load: Load, code: string) =>
    t.throwsAsync(space.spaces.graft(load.op, at('to'), load), { code })
  await refused(never(space.op, ['a', 'b', 'c/', 'd/']), 'TOO_MANY_ENTRIES')
  await refused(never(space.op, ['a', 'b', 'c']), 'SPACE_FULL')
  await refused(
    never({ ...space.op, caller: { accountId: 'x', grant: { space: space.op.space, letter: 'r' } } }, ['a']),
    'READ_ONLY',
  )
  await refused(never({ ...space.op, caller: { accountId: 'x' } }, ['a']), 'NOT_FOUND')
  const late = new Load(space.op, ['a', 'b'])
  late.before = (path) => path === 'b' && space.write('other', 10)
  await refused(late, 'SPACE_FULL')
  const lost = new Load(space.op, many(300, 300))
  lost.reload = async () =>
    lost.linkedBlobs.length > 0 ? { ...space.op, caller: { accountId: 'x' } } : lost.op
  await t.throwsAsync(space.spaces.graft({ ...space.op, limits: LIMITS }, at('to'), lost), {
    code: 'NOT_FOUND',
  })
  const deep = new Load(
    { ...space.op, limits: LIMITS },
    Array.from({ length: 63 }, (_, i) => 'd/'.repeat(i + 1)),
  )
  await t.throwsAsync(
    space.spaces
      .graft(deep.op, at('other-place'), deep)
      .then(() => space.spaces.graft(deep.op, at('other-place/x'), deep)),
    {
      code: 'BAD_PATH',
    },
  )
  await t.throwsAsync(space.stat('to'), { code: 'NOT_FOUND' })
})

test('what breaks off leaves nothing: blobs that were linked are let go, keys are gone', async (t) => {
  const space = await tree.space()
  const properties = new Map([['{urn:x}p', '<p xmlns="urn:x"/>']])
  const load = new Load(space.op, many(600), 10, properties)
  load.before = (path) => {
    if (path === 'F550/') throw new Error('the client went away')
  }
  await t.throwsAsync(space.spaces.graft(space.op, at('to'), load), { message: 'the client went away' })
  t.is((await space.journal()).length, 0)
  space.spaces.reap(space.op.space)
  await space.spaces.reaped()
  const freed = await space.spaces.freed(space.op.space, Date.now() + 1000, 10_000)
  t.deepEqual(freed.sort(), load.linkedBlobs.sort())
  t.true(freed.length > 400)
  const redis = await tree.redis.connect()
  const keys = await redis.keys(`{${space.op.space}}:*`)
  t.deepEqual(
    keys.filter((key) => /:(?:d|i|k|p|r|t|u)(?::|$)/.test(key)),
    [],
  )
})

test('a pending blob of a tree, out of sight or linked in, is live; one of a tree that was given up is dead', async (t) => {
  const space = await tree.space()
  const claim = (blob: string | undefined) =>
    space.spaces.claimPending(space.op.space, blob ?? '', Date.now())
  const load = new Load(space.op, many(600))
  load.before = async (path) => {
    if (path === 'F550/') t.is(await claim(load.linkedBlobs.at(-1)), 'live')
  }
  await space.spaces.graft(space.op, at('to'), load)
  t.is(await claim(load.linkedBlobs[0]), 'live')
  t.is(await claim(load.linkedBlobs.at(-1)), 'live')
  t.is(await claim('0'.repeat(32)), 'dead')
  const broken = new Load(space.op, many(600))
  broken.before = (path) => {
    if (path === 'F550/') throw new Error('gone')
  }
  await t.throwsAsync(space.spaces.graft(space.op, at('other'), broken))
  t.is(await claim(broken.linkedBlobs[0]), 'dead')
})

test('a blob that the collector has claimed is not linked, nor an entry that comes twice', async (t) => {
  const space = await tree.space()
  const load = new Load(space.op, ['a', 'b'])
  const entries = async function* (): AsyncGenerator<Grafted> {
    for await (const entry of load.entries) {
      if (entry.file) await space.spaces.claimPending(space.op.space, entry.file.blob.id, Date.now())
      yield entry
    }
  }
  const source: GraftSource = {
    size: 20,
    below: 2,
    entries: entries(),
    reload: () => load.reload(),
    linked: (blobs) => load.linked(blobs),
  }
  await t.throwsAsync(space.spaces.graft(space.op, at('to'), source), { code: 'BUSY' })
  const twice = new Load(space.op, ['a', 'b', 'A'])
  await t.throwsAsync(space.spaces.graft(space.op, at('to'), twice), { code: 'BUSY' })
  const later = new Load(space.op, ['b', ...many(300), 'B'])
  await t.throwsAsync(space.spaces.graft(space.op, at('to'), later), { code: 'BUSY' })
  t.deepEqual(await space.names(), [])
})

test('whoever says nothing for long is given up by the sweep, and told so', async (t) => {
  const space = await tree.space()
  const load = new Load(space.op, many(600))
  load.before = async (path) => {
    if (path === 'F550/') await space.spaces.abandonCopies(space.op.space, Date.now() + 1000)
  }
  await t.throwsAsync(space.spaces.graft(space.op, at('to'), load), { code: 'BUSY' })
  t.deepEqual(await space.names(), [])
  await space.spaces.reaped()
  t.deepEqual(await space.replay(), await space.listing())
})
