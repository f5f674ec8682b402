import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import type { Redis } from 'ioredis'
import * as changing from '../../src/space/changing.js'
import { Engine } from '../../src/space/engine.js'
import { fsck } from '../../src/space/fsck.js'
import { reapNext } from '../../src/space/reaper.js'
import { Spaces } from '../../src/space/spaces.js'
import type { Change, StoredBlob } from '../../src/space/types.js'
import { commandsOf, total } from '../support/commandstats.js'
import { NamedBlobs } from '../support/named-blobs.js'
import { type TestRedis, testRedis } from '../support/redis.js'
import { at, TestSpace, TestTree } from '../support/space.js'

/**
 * What is promised of trees of any size: a move and a recursive delete are a few commands, the reaper works in small steps, and
 * the journal is right at every seq, whoever dies meanwhile.
 */

const REAPER = fileURLToPath(new URL('./reaper-process.js', import.meta.url))
/** Tombstones of one step of the reaper (scripts/reap.lua). */
const CHUNK = 256
const AT_ONCE = 400

/** A large folder of files, one of folders, one of folders with files, and a deep one: 200,000 entries. */
function* large(): Generator<readonly [kind: 'file' | 'folder', path: string]> {
  for (let i = 0; i < 110_100; i++) yield ['file', `flat/file-${i}`]
  for (let i = 0; i < 20_000; i++) yield ['folder', `a-folders/${i}`]
  for (let i = 0; i < 69_000; i++) yield ['file', `wide/folder-${i % 940}/file-${i}`]
  yield ['file', `deep/${'d/'.repeat(54)}file`]
}

function* many(): Generator<readonly [kind: 'file' | 'folder', path: string]> {
  for (let i = 0; i < 2100; i++) yield ['file', `${i % 3}/${i}`]
}

function* small(): Generator<readonly [kind: 'file' | 'folder', path: string]> {
  for (let i = 0; i < 3; i++) yield ['file', `flat/file-${i}`]
  for (let i = 0; i < 2; i++) yield ['folder', `a-folders/${i}`]
  yield ['file', 'wide/folder-0/file-0']
}

interface Loaded {
  readonly server: TestRedis
  readonly redis: Redis
  readonly engine: Engine
  readonly space: TestSpace
  readonly blobs: NamedBlobs
}

async function start(t: ExecutionContext): Promise<Loaded> {
  const server = await testRedis({
    aof: 'everysec',
    // Not `everysec`, which keeps back writes while it syncs: what kill -9 leaves must be what was answered.
    settings: { appendfsync: 'no', 'auto-aof-rewrite-percentage': '0', 'slowlog-log-slower-than': '10000' },
  })
  const tree = await TestTree.start(server)
  t.teardown(() => tree.stop())
  const redis = await server.connect()
  return { server, redis, engine: new Engine(redis), space: await tree.space(), blobs: new NamedBlobs() }
}

async function load({ space, blobs }: Loaded, top: string, entries: ReturnType<typeof large>): Promise<void> {
  const type = { contentType: 'text/plain' }
  const { spaces, op } = space
  const worker = async () => {
    for (let next = entries.next(); !next.done; next = entries.next()) {
      const [kind, path] = next.value
      const place = at(`${top}/${path}`)
      if (kind === 'folder') await spaces.mkdir(op, place)
      else await spaces.write(op, place, blobs.put(1) satisfies StoredBlob, type)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}

/** As `Spaces.remove`, but nobody begins to reap. Resolves with the number of entries that went. */
async function cutOff({ engine, space }: Loaded, path: string): Promise<number> {
  return (await changing.remove(engine, space.op, at(path), { recursive: true })).deleted
}

async function showSlowLog(t: ExecutionContext, redis: Redis): Promise<void> {
  const slow = (await redis.slowlog('GET', 20)) as [number, number, number, string[]][]
  for (const [, , micros, [command, , , ...rest]] of slow) {
    t.log(`slow log: ${micros} µs ${command} ${rest.slice(0, 3).join(' ').slice(0, 60)}`)
  }
  if (slow.length === 0) t.log('slow log: nothing over 10 ms')
}

/** Every row of the journal, in order. */
async function* rowsOf(space: TestSpace): AsyncGenerator<Change> {
  for (let since = 0; ; ) {
    const page = await space.spaces.changes(space.op, { since, limit: 1000 })
    yield* page.changes
    since = page.changes.at(-1)?.seq ?? since
    if (!page.hasMore) return
  }
}

/** Replays the journal of a space with one tree that was moved and then deleted, looking closer at some seqs. */
async function replayed(t: ExecutionContext, space: TestSpace, looks: readonly number[]): Promise<number> {
  const tree = new Map<string, 'file' | 'folder'>()
  const children = new Map<string, number>()
  const above = (path: string) => path.slice(0, Math.max(0, path.lastIndexOf('/')))
  const count = (path: string, change: 1 | -1) => {
    if (path.includes('/')) children.set(above(path), (children.get(above(path)) ?? 0) + change)
  }
  let seq = 0
  let deletes = 0
  for await (const row of rowsOf(space)) {
    if (row.seq !== seq + 1) t.fail(`row ${row.seq} comes behind ${seq}`)
    seq = row.seq
    if (row.change === 'create') {
      if (row.path.includes('/') && !tree.has(above(row.path))) t.fail(`${row.path} has no folder at ${seq}`)
      tree.set(row.path, row.kind)
      count(row.path, 1)
    } else if (row.change === 'delete') {
      deletes++
      if (children.get(row.path)) t.fail(`${row.path} goes before its entries at ${seq}`)
      if (tree.get(row.path) !== row.kind) t.fail(`${row.path} is no ${row.kind} at ${seq}`)
      tree.delete(row.path)
      count(row.path, -1)
    } else if (row.change === 'move') {
      const old = row.oldPath as string
      count(old, -1)
      count(row.path, 1)
      for (const [path, kind] of [...tree]) {
        if (path !== old && !path.startsWith(`${old}/`)) continue
        const now = row.path + path.slice(old.length)
        tree.delete(path)
        tree.set(now, kind)
        children.set(now, children.get(path) ?? 0)
        children.delete(path)
      }
    }
    if (looks.includes(seq)) {
      const alone = [...tree.keys()].filter((path) => path.includes('/') && !tree.has(above(path)))
      t.deepEqual(alone, [], `every entry has its folder at ${seq}`)
    }
  }
  t.is(tree.size, (await space.listing()).size)
  return deletes
}

test('a tree of 200,000 entries moves and goes like one of ten, and its journal is right also after kills', async (t) => {
  t.timeout(180_000)
  const loaded = await start(t)
  const { server, redis, engine, space } = loaded
  // Scripts are loaded, and the space is large without the tree too.
  await load(loaded, 'small', small())
  await load(loaded, 'other', many())
  await load(loaded, 'large', large())
  await space.move('other', 'another')
  await space.move('another', 'other')
  const size = (await space.stat('large')).entry
  t.true(size.kind === 'folder' && size.entries >= 200_000)
  await redis.slowlog('RESET')

  const moveSmall = await commandsOf(redis, () => space.move('small', 'to/small'))
  let { deleted } = await space.remove('to', true)
  await space.spaces.reaped()
  const remove = async (path: string) => {
    deleted += await cutOff(loaded, path)
  }
  const moveLarge = await commandsOf(redis, () => space.move('large', 'to/large'))
  t.log('move', moveLarge)
  t.deepEqual(moveLarge, moveSmall)

  await load(loaded, 'to/small', small())
  const removeSmall = await commandsOf(redis, () => remove('to/small'))
  while (await reapNext(engine, space.op.space)) {
    // All of it.
  }
  const before = (await space.stat('')).mark.seq
  const removeLarge = await commandsOf(redis, () => remove('to/large'))
  t.log('remove', removeLarge)
  t.deepEqual(removeLarge, removeSmall)
  const { seq: last } = (await space.stat('')).mark
  t.is(last, before + (size.kind === 'folder' ? size.entries : 0) + 1)

  // While the reaper works: its steps are small, and others' changes cost what they cost before.
  let largest: Record<string, number> = {}
  for (let step = 0; step < 150; step++) {
    const calls = await commandsOf(redis, () => reapNext(engine, space.op.space))
    if (total(calls) > total(largest)) largest = calls
  }
  t.log('largest step of the reaper', largest)
  t.true(total(largest) < 12 * CHUNK, 'a step of the reaper is small')
  await load(loaded, 'small', small())
  t.deepEqual(await commandsOf(redis, () => space.move('small', 'there/small')), moveSmall)
  t.deepEqual(await commandsOf(redis, () => remove('there/small')), removeSmall)

  // Somebody reads in the middle of what is not reaped yet; what they saw stays.
  const page = { since: before + 60_000, limit: 1000 }
  const seen = await space.spaces.changes(space.op, page)
  t.is(seen.changes.length, 1000)

  // The process that reaps dies, and then Redis.
  const progress = async () => Number(await redis.hget(`{${space.op.space}}:r:${last}`, 'next'))
  const reaper = spawn(process.execPath, [REAPER, server.socket, space.op.space], { stdio: 'inherit' })
  const gone = once(reaper, 'exit')
  while ((await progress()) < before + 100_000) {
    // Each look is a round trip.
  }
  reaper.kill('SIGKILL')
  await gone
  await showSlowLog(t, redis)
  await server.kill9()
  await server.restart()
  const reached = await progress()
  t.true(reached >= before + 100_000 && reached < last, `the reaper was half-way, at ${reached} of ${last}`)
  t.deepEqual(await space.spaces.changes(space.op, page), seen)

  const fresh = new TestSpace(new Spaces(await server.connect()), space.op)
  t.teardown(() => fresh.spaces.close())
  await redis.slowlog('RESET')
  const looks = [
    before,
    before + 1,
    before + 70_001,
    reached - 1,
    reached + 1,
    before + 150_123,
    last - 1,
    last,
  ]
  const deletes = await replayed(t, fresh, looks)
  t.is(deletes, deleted)
  t.deepEqual(await fresh.spaces.changes(space.op, page), seen)
  fresh.spaces.reap(space.op.space)
  await fresh.spaces.reaped()
  await showSlowLog(t, redis)
  const { problems, counts } = await fsck({ redis, blobs: loaded.blobs }, { spaces: [space.op.space] })
  t.deepEqual(problems, [])
  t.is(counts.files, 2100)
})
