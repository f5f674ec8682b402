import { mkdtempSync, rmSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import { LocalBlobStore } from '../../src/blobs/local/store.js'
import type { RedisClient } from '../../src/redis/scripts.js'
import { fsck } from '../../src/space/fsck.js'
import { Spaces } from '../../src/space/spaces.js'
import type { Change } from '../../src/space/types.js'
import { type TestRedis, testRedis } from '../support/redis.js'
import { at, LIMITS } from '../support/space.js'

const folder = mkdtempSync('/tmp/novem-seal-')
let server: TestRedis
let redis: RedisClient
let blobs: LocalBlobStore
let spaces: Spaces
test.before(async () => {
  server = await testRedis()
  redis = await server.connect()
  blobs = new LocalBlobStore(folder, { durability: 'os' })
  await blobs.open()
  spaces = new Spaces(redis, { blobs })
})
test.after.always(async () => {
  await spaces.close()
  await server.stop()
  rmSync(folder, { recursive: true, force: true })
})

let count = 0
async function newSpace() {
  const op = { space: `seal${++count}`, caller: { accountId: 'a1' }, limits: LIMITS }
  await spaces.createSpace(op.space, 'a1')
  const write = async (path: string) => {
    const blob = await blobs.put(op.space, Buffer.from(path), { limit: 1000 })
    await spaces.write(op, at(path), blob, { contentType: 'a/b' })
    await blobs.settle(op.space, blob.id)
    return blob
  }
  const replay = async (limit = 1000, from = spaces) => {
    const rows: Change[] = []
    for (;;) {
      const page = await from.changes(op, { since: rows.at(-1)?.seq ?? 0, limit })
      rows.push(...page.changes)
      if (!page.hasMore) return rows
    }
  }
  const seal = (rows = 100, keep = 1) => spaces.seal(op.space, { blobs, keep, rows, youngestMs: -1000 })
  return { op, write, replay, seal }
}
type Space = Awaited<ReturnType<typeof newSpace>>

async function clean(t: ExecutionContext, { op }: Space): Promise<void> {
  const { problems } = await fsck({ redis, blobs }, { spaces: [op.space] })
  t.deepEqual(problems, [])
}

const inStream = ({ op }: Space) => redis.xlen(`{${op.space}}:j`)
const chunks = ({ op }: Space) => redis.hlen(`{${op.space}}:t`)

test('what is sealed leaves Redis, and a replay tells all of it, page by page, from any process', async (t) => {
  const space = await newSpace()
  for (let file = 0; file < 230; file++) await space.write(`d${file % 7}/f${file}`)
  const before = await space.replay()
  t.true(await space.seal())
  t.true(await space.seal())
  t.false(await space.seal())
  t.is(await inStream(space), before.length - 200)
  t.deepEqual(await space.replay(), before)
  t.deepEqual(await space.replay(7), before)
  const other = new Spaces(await server.connect(), { blobs })
  t.deepEqual(await space.replay(60, other), before)
  await other.close()
  for (const since of [0, 1, 98, 99, 100, 101, 198, 199, 200, 201]) {
    const { changes } = await spaces.changes(space.op, { since, limit: 5 })
    t.deepEqual(changes, before.slice(since, since + 5), `since ${since}`)
  }
  await space.write('later')
  t.is((await space.replay()).length, before.length + 1)
  await clean(t, space)
})

test('deleted and copied trees are sealed as far as they are written out, their pieces too', async (t) => {
  const space = await newSpace()
  for (let file = 0; file < 600; file++) await space.write(`tree/f${file}`)
  await spaces.copy(space.op, at('tree'), at('copy'))
  await spaces.remove(space.op, at('tree'), { recursive: true })
  await spaces.remove(space.op, at('copy'), { recursive: true })
  for (let file = 0; file < 60; file++) await space.write(`later${file}`)
  const before = await space.replay()
  t.is(before.length, 601 + 601 + 601 + 601 + 60)
  const pieces = await chunks(space)
  while (await space.seal(250)) t.deepEqual(await space.replay(333), before)
  t.true((await chunks(space)) < pieces / 3)
  t.true((await inStream(space)) <= 65)
  await clean(t, space)
  for (let since = 0; since < before.length; since += 97) {
    const { changes } = await spaces.changes(space.op, { since, limit: 3 })
    t.deepEqual(changes, before.slice(since, since + 3), `since ${since}`)
  }
})

test('memory does not grow with history', async (t) => {
  const space = await newSpace()
  const key = (name: string) => `{${space.op.space}}:${name}`
  const sizes: number[] = []
  for (let round = 0; round < 5; round++) {
    for (let change = 0; change < 300; change++) await space.write('same')
    while (await space.seal(100, 50));
    sizes.push(Number(await redis.memory('USAGE', key('j'), 'SAMPLES', 0)))
  }
  t.true((sizes.at(-1) as number) <= (sizes[0] as number) * 1.5, sizes.join(' '))
  t.true((await inStream(space)) < 150)
  t.is((await space.replay()).length, 1500)
})

test('an attempt that is lost leaves a blob to the collector, and of two at once one counts', async (t) => {
  const space = await newSpace()
  for (let file = 0; file < 120; file++) await space.write(`f${file}`)
  const before = await space.replay()
  const dead = spaces.seal(space.op.space, {
    blobs: {
      ...storeOf(),
      put: async (...args) => {
        await blobs.put(...args)
        throw new Error('died')
      },
    },
    keep: 1,
    rows: 100,
    youngestMs: -1000,
  })
  await t.throwsAsync(dead, { message: 'died' })
  t.deepEqual(await space.replay(), before)
  const [one, other] = await Promise.all([space.seal(), space.seal()])
  t.not(one, other)
  t.deepEqual(await space.replay(), before)
  const lost: string[] = []
  for await (const { space: where, blob } of blobs.pending(Date.now() + 60_000)) {
    if (where === space.op.space) lost.push(blob)
  }
  t.is(lost.length, 1)
  t.is(await spaces.claimPending(space.op.space, lost[0] as string, 0), 'dead')
  await clean(t, space)
})

function storeOf() {
  return {
    settle: (...args: Parameters<LocalBlobStore['settle']>) => blobs.settle(...args),
    discard: (...args: Parameters<LocalBlobStore['discard']>) => blobs.discard(...args),
  }
}

test('the collector keeps a segment that nobody has settled, and files whose rows are sealed', async (t) => {
  const space = await newSpace()
  const first = await space.write('f')
  for (let file = 0; file < 120; file++) await space.write(`f${file}`)
  let sealed = ''
  const put: LocalBlobStore['put'] = async (...args) => {
    const blob = await blobs.put(...args)
    sealed = blob.id
    return blob
  }
  await spaces.seal(space.op.space, {
    blobs: { ...storeOf(), put, settle: async () => undefined },
    keep: 1,
    rows: 100,
    youngestMs: -1000,
  })
  t.is(await spaces.claimPending(space.op.space, sealed, 0), 'live')
  t.is(await spaces.claimPending(space.op.space, first.id, 0), 'live')
  t.is(await spaces.claimPending(space.op.space, '0'.repeat(32), 0), 'dead')
})

test('segments go with their space', async (t) => {
  const space = await newSpace()
  for (let file = 0; file < 120; file++) await space.write('f')
  t.true(await space.seal())
  const { space: id } = space.op
  await spaces.deleteSpace(id)
  await spaces.reaped()
  const later = Date.now() + 60_000
  for (let freed = await spaces.freed(id, later, 1000); freed.length > 0; ) {
    await blobs.delete(id, freed)
    await spaces.forget(id, freed)
    freed = await spaces.freed(id, later, 1000)
  }
  t.true(await spaces.burySpace(id))
  const left = []
  for await (const { blob } of blobs.list(id)) left.push(blob)
  t.deepEqual(left, [])
  t.is(await redis.exists(`{${id}}:g`), 0)
})

test('a segment that is gone or damaged is told, and nothing is made up in its place', async (t) => {
  const space = await newSpace()
  for (let file = 0; file < 120; file++) await space.write(`f${file}`)
  t.true(await space.seal())
  const [member = ''] = await redis.zrange(`{${space.op.space}}:g`, '0', '-1')
  await blobs.delete(space.op.space, [member.split(' ')[2] as string])
  const fresh = new Spaces(await server.connect(), { blobs })
  const error = await t.throwsAsync(fresh.changes(space.op, { since: 0, limit: 10 }))
  t.like(error, { code: 'CORRUPT' })
  await fresh.close()
  const { problems } = await fsck({ redis, blobs }, { spaces: [space.op.space] })
  t.true(problems.some(({ kind, detail }) => kind === 'journal' && detail.includes('1 to 100 is gone')))
  t.is((await spaces.changes(space.op, { since: 100, limit: 10 })).changes.length, 10)
})

test('young rows stay, and so do as many as are to', async (t) => {
  const space = await newSpace()
  for (let file = 0; file < 120; file++) await space.write(`f${file}`)
  t.false(await spaces.seal(space.op.space, { blobs, keep: 1, rows: 100 }))
  t.false(await space.seal(100, 21))
  t.true(await space.seal(100, 20))
})
