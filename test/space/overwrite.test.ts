import test from 'ava'
import { fsck } from '../../src/space/fsck.js'
import { NamedBlobs } from '../support/named-blobs.js'
import { at, LIMITS, type TestSpace, TestTree } from '../support/space.js'

/** Moves and copies that replace whatever is at their destination, in one step (RFC 4918 §9.8.4, §9.9.3). */

let tree: TestTree
test.before(async () => {
  tree = await TestTree.start()
})
test.after.always(() => tree.stop())

const over = { overwrite: true }
const move = (space: TestSpace, from: string, to: string, extra = {}) =>
  space.spaces.move(space.op, at(from), at(to), { ...over, ...extra })
const copy = (space: TestSpace, from: string, to: string, extra = {}) =>
  space.spaces.copy(space.op, at(from), at(to), { ...over, ...extra })

async function rows(space: TestSpace, since: number): Promise<string[]> {
  return (await space.journal(since)).map(({ change, path }) => `${change} ${path}`)
}

test('a folder moves over a folder: tombstones of what was there, children first, then the move', async (t) => {
  const space = await tree.space()
  await space.write('from/new', 1)
  await space.write('to/Old/deep', 2)
  await space.write('to/old2', 4)
  const { entry: from } = await space.stat('from')
  const { mark } = await space.stat('')
  const moved = await move(space, 'from', 'TO')
  t.like(moved, { replaced: true, from: 'from' })
  t.like(moved.entry, { id: from.id, name: 'TO', size: 1, entries: 1 })
  t.deepEqual(await rows(space, mark.seq), [
    'delete to/Old/deep',
    'delete to/Old',
    'delete to/old2',
    'delete to',
    'move TO',
  ])
  t.is(moved.mark.seq, mark.seq + 5)
  t.deepEqual([...(await space.listing()).keys()], ['TO', 'TO/new'])
  t.like(await space.spaces.info(space.op), { bytes: 1, entries: 2 })
  t.deepEqual(await space.replay(), await space.listing())
  t.is((await space.stat('to/new')).entry.path, 'TO/new')
})

test('anything moves over anything, and the etags above say so', async (t) => {
  const space = await tree.space()
  for (const [from, to] of [
    ['file', 'folder'],
    ['file', 'empty'],
    ['folder', 'file'],
    ['empty', 'file'],
    ['empty', 'folder'],
  ] as const) {
    const make = async (kind: string, path: string) => {
      if (kind === 'file') await space.write(path, 3)
      else await space.mkdir(path)
      if (kind === 'folder') await space.write(`${path}/x/y`, 5)
    }
    const [top, source, target] = [`${from}-${to}`, `${from}-${to}/a/source`, `${from}-${to}/b/target`]
    await make(from, source)
    await make(to, target)
    const before = await Promise.all(
      [`${top}/a`, `${top}/b`].map(async (path) => (await space.stat(path)).entry.etag),
    )
    t.true((await move(space, source, target)).replaced, top)
    const after = await Promise.all(
      [`${top}/a`, `${top}/b`].map(async (path) => (await space.stat(path)).entry.etag),
    )
    t.is(new Set([...before, ...after]).size, 4, top)
    t.deepEqual(await space.names(`${top}/a`), [])
    t.deepEqual(await space.replay(), await space.listing())
  }
})

test('anything is copied over anything', async (t) => {
  const space = await tree.space()
  await space.write('file', 3)
  await space.write('folder/x/y', 5)
  await space.mkdir('empty')
  for (const from of ['file', 'folder', 'empty'])
    for (const to of ['file', 'folder', 'empty']) {
      const target = `${from}-${to}`
      await copy(space, to, target)
      const { replaced, entry } = await copy(space, from, target.toUpperCase())
      t.true(replaced, target)
      t.is(entry.kind, from === 'file' ? 'file' : 'folder')
      t.is(entry.name, from === 'file' && to === 'file' ? target : target.toUpperCase())
    }
  t.deepEqual(await space.replay(), await space.listing())
  const { bytes, entries } = await space.spaces.info(space.op)
  t.deepEqual([bytes, entries], [8 + 3 * 3 + 3 * 5, 5 + 3 + 3 * 3 + 3])
})

test('what holds the source is not replaced by it, nor the source by itself', async (t) => {
  const space = await tree.space()
  await space.write('d/e/f')
  for (const change of [move, copy]) {
    const held = { code: 'INTO_ITSELF', message: /^"d" holds "d\/e\/f"/ }
    await t.throwsAsync(change(space, 'd/e/f', 'd'), held)
    await t.throwsAsync(change(space, 'd/e', 'd'), { code: 'INTO_ITSELF' })
    await t.throwsAsync(change(space, 'd', 'd/e'), { code: 'INTO_ITSELF' })
    await t.throwsAsync(change(space, 'd', 'd/e/f'), { code: 'INTO_ITSELF' })
    await t.throwsAsync(change(space, 'd', ''), { code: 'FOLDER_EXISTS' })
  }
  await t.throwsAsync(copy(space, 'd', 'D'), { code: 'INTO_ITSELF' })
  await t.throwsAsync(copy(space, '', 'd'), { code: 'INTO_ITSELF' })
  await t.throwsAsync(copy(space, '', 'new'), { code: 'INTO_ITSELF' })
  t.is((await move(space, 'd', 'D')).replaced, false)
  t.is((await space.journal()).length, 4)
})

test('preconditions, locks and limits of what is replaced hold', async (t) => {
  const space = await tree.space({ ...LIMITS, entries: 6, spaceBytes: 30 })
  await space.write('a/f', 10)
  await space.write('b/g', 20)
  for (const change of [move, copy]) {
    await t.throwsAsync(change(space, 'a', 'b', { ifNoneMatch: '*' }), { code: 'PRECONDITION_FAILED' })
    await t.throwsAsync(change(space, 'a', 'b', { ifMatch: ['0'.repeat(32)] }), {
      code: 'PRECONDITION_FAILED',
    })
  }
  const token = 'urn:uuid:below'
  const lock = { token, scope: 'exclusive', depth: 0, owner: '', timeoutMs: 60_000 } as const
  await space.spaces.lock(space.op, at('b/g'), lock)
  await t.throwsAsync(move(space, 'a', 'b'), { code: 'LOCKED', message: /"\/b\/g"/ })
  await t.throwsAsync(copy(space, 'a', 'b'), { code: 'LOCKED' })
  const opened = { ...space.op, lockTokens: [token] }
  // 20 bytes go and 10 come: it fits, though it would not beside the old ones.
  await space.spaces.copy(opened, at('a'), at('b'), over)
  t.like(await space.spaces.info(space.op), { bytes: 20, entries: 4 })
  t.deepEqual((await space.stat('b')).locks, [])
  await space.write('c', 0)
  await t.throwsAsync(
    copy(space, 'a', 'c', {}).then(() => copy(space, 'a', 'd')),
    { code: 'TOO_MANY_ENTRIES' },
  )
  const deep = Array.from({ length: 62 }, () => 'd').join('/')
  const roomy = { ...space.op, limits: LIMITS }
  await space.spaces.mkdir(roomy, at(`x/${deep}`))
  await space.spaces.mkdir(roomy, at('p/q/r/s'))
  await t.throwsAsync(space.spaces.copy(roomy, at('x'), at('p/q/r'), over), { code: 'BAD_PATH' })
  await t.throwsAsync(space.spaces.move(roomy, at('x'), at('p/q/r'), over), { code: 'BAD_PATH' })
  t.deepEqual(await space.replay(), await space.listing())
})

test('a large tree goes in steps behind the change, whose blobs are let go, whoever reads first', async (t) => {
  const space = await tree.space()
  const blobs = new NamedBlobs()
  const type = { contentType: 'text/plain' }
  await Promise.all(
    Array.from({ length: 600 }, (_, i) =>
      space.spaces.write(space.op, at(`old/${i % 7}/f${i}`), blobs.put(i), type),
    ),
  )
  await space.spaces.write(space.op, at('new/f'), blobs.put(1), type)
  const before = await space.listing()
  const { mark } = await copy(space, 'new', 'old')
  t.deepEqual(await space.replay(), await space.listing())
  t.deepEqual(await space.replay(before.size), before)
  t.is(mark.seq, before.size + 608 + 2)
  await move(space, 'new', 'old')
  await space.spaces.reaped()
  const redis = await tree.redis.connect()
  t.deepEqual((await fsck({ redis, blobs }, { spaces: [space.op.space] })).problems, [])
  t.is((await space.spaces.freed(space.op.space, Date.now() + 1000, 1000)).length, 600)
  t.deepEqual([...(await space.listing()).keys()], ['old', 'old/f'])
})
