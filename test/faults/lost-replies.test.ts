import test from 'ava'
import type { Redis } from 'ioredis'
import { connectRedis } from '../../src/redis/connect.js'
import { Scripts, scriptsFolder } from '../../src/redis/scripts.js'
import { fsck } from '../../src/space/fsck.js'
import { Spaces } from '../../src/space/spaces.js'
import { NamedBlobs } from '../support/named-blobs.js'
import { type Fault, RedisProxy } from '../support/proxy.js'
import { type TestRedis, testRedis } from '../support/redis.js'
import { at, blob, type TestSpace, TestTree } from '../support/space.js'
import { MUTATIONS, TYPE as type } from './mutations.js'

/**
 * A connection breaks after Redis ran a script, or before the script got there: whoever asked sees one success, and the
 * space is as if it had been run once.
 */

let server: TestRedis
let direct: TestTree
let redis: Redis
let scripts: Scripts
test.before(async () => {
  server = await testRedis()
  direct = await TestTree.start(server)
  redis = await server.connect()
  scripts = new Scripts(
    redis,
    scriptsFolder(import.meta.url.replace('/test/faults/', '/src/space/'), 'space'),
  )
})
test.after.always(() => direct.stop())

/** Everything that must be equal with and without the fault; what differs by nature (ids, times, etags) is left out. */
async function facts(space: TestSpace): Promise<unknown> {
  await space.spaces.reaped()
  const key = `{${space.op.space}}:`
  const { bytes, entries, mark } = await space.spaces.info(space.op)
  return {
    journal: (await space.journal()).map(({ seq, change, path, oldPath, kind, size }) => {
      return [seq, change, path, oldPath, kind, size]
    }),
    listing: [...(await space.listing())].map(([path, value]) => [path, value.replace(/^\w{32}/, 'etag')]),
    totals: [bytes, entries, mark.seq],
    freed: await redis.llen(`${key}f`),
    folders: await redis.hlen(`${key}u`),
    refs: await redis.hvals(`${key}refs`),
    locks: await redis.hkeys(`${key}l`),
    copies: await redis.zcard(`${key}k`),
    nextId: await redis.hget(`${key}s`, 'next'),
  }
}

/** A result without what differs from run to run. */
function plain(result: unknown): unknown {
  return JSON.parse(
    JSON.stringify(result ?? 'nothing', (key, value) =>
      ['created', 'modified', 'etag', 'blob', 'md5', 'epoch', 'accountId', 'expires'].includes(key) &&
      typeof value !== 'boolean'
        ? undefined
        : value,
    ),
  )
}

interface Case {
  readonly keyed: boolean
  fault(proxy: RedisProxy, script: string, skip?: number): Fault[]
  readonly late: boolean
  readonly fenced?: boolean
}

const lose = (proxy: RedisProxy, script: string, skip = 0) => proxy.loseReply(scripts.source(script), skip)
const hold = (proxy: RedisProxy, script: string, skip = 0) => proxy.holdRequest(scripts.source(script), skip)
const CASES: Record<string, Case> = {
  'the answer is lost': {
    keyed: false,
    late: false,
    fault: (proxy, script, skip) => [lose(proxy, script, skip)],
  },
  'the answers of attempt, fence and repetition are lost': {
    keyed: false,
    fenced: true,
    late: false,
    fault: (proxy, script, skip) => [hold(proxy, script, skip), lose(proxy, 'fence'), lose(proxy, script)],
  },
  'the request arrives after its repetition': {
    keyed: false,
    late: true,
    fault: (proxy, script, skip) => [hold(proxy, script, skip)],
  },
  'the answer is lost, with an Idempotency-Key': {
    keyed: true,
    late: false,
    fault: (proxy, script, skip) => [lose(proxy, script, skip), lose(proxy, script)],
  },
  'the request arrives after its repetition, with an Idempotency-Key': {
    keyed: true,
    late: true,
    fault: (proxy, script, skip) => [hold(proxy, script, skip)],
  },
}

async function throughProxy<T>(run: (proxy: RedisProxy, spaces: Spaces) => Promise<T>): Promise<T> {
  const proxy = await RedisProxy.start(server.socket)
  const client = await connectRedis(proxy.socket, { name: 'proxied' })
  const spaces = new Spaces(client)
  try {
    return await run(proxy, spaces)
  } finally {
    await spaces.close()
    client.disconnect()
    await proxy.stop()
  }
}

for (const [what, mutation] of Object.entries(MUTATIONS)) {
  for (const [how, { keyed, late, fenced, fault }] of Object.entries(CASES)) {
    if (fenced && mutation.keeps) continue
    test(`${what}: ${how}`, async (t) => {
      const control = await direct.space()
      await mutation.prepare?.(control)
      const expected = plain(await mutation.run(control.spaces, control.op, blob(9)))

      const space = await direct.space()
      await mutation.prepare?.(space)
      const op = keyed ? { ...space.op, idempotencyKey: 'key' } : space.op
      const bytes = blob(9)
      await throughProxy(async (proxy, spaces) => {
        const faults = fault(proxy, mutation.script, mutation.skip)
        const result = await mutation.run(spaces, op, bytes)
        await Promise.all(faults.map((one) => one.happened))
        t.deepEqual(plain(result), expected)
        if (mutation.script === 'write') t.like(result, { entry: { etag: bytes.id, blob: bytes.id } })
        if (late) await faults[0]?.release()
        await spaces.reaped()
        t.deepEqual(await facts(space), await facts(control))
        t.deepEqual(await space.replay(), await space.listing())
        if (!keyed) return
        t.deepEqual(plain(await mutation.run(spaces, op, blob(9))), expected)
        t.deepEqual(await facts(space), await facts(control))
      })
    })
  }
}

test('a write whose answer was lost and that was moved over since is still a success', async (t) => {
  const space = await direct.space()
  const bytes = blob(9)
  await space.write('other', 1)
  await throughProxy(async (proxy, spaces) => {
    const lost = proxy.loseReply(scripts.source('write'))
    const fenced = proxy.holdRequest(scripts.source('fence'))
    const answer = spaces.write(space.op, at('f'), bytes, type)
    await lost.happened
    await space.move('other', 'f')
    await fenced.happened
    const { created, entry } = await answer
    t.true(created)
    t.like(entry, { path: 'f', etag: bytes.id, size: 9 })
  })
})

test('a reaper that loses its answers writes every tombstone once', async (t) => {
  const space = await direct.space()
  await Promise.all(Array.from({ length: 900 }, (_, i) => space.write(`t/${i % 5}/${i}`, 1)))
  const before = await space.listing()
  await throughProxy(async (proxy, spaces) => {
    const faults = [0, 0, 1].map((skip) => proxy.loseReply(scripts.source('reap'), skip))
    await spaces.remove(space.op, at('t'), { recursive: true })
    await Promise.all(faults.map((fault) => fault.happened))
    await spaces.reaped()
  })
  const rows = await space.journal()
  t.deepEqual(
    rows.map((row) => row.seq),
    rows.map((_, index) => index + 1),
  )
  t.deepEqual(await space.replay(before.size), before)
  t.is((await space.replay()).size, 0)
  t.is(await redis.llen(`{${space.op.space}}:f`), 900)
})

test('a step of a copy that arrives when the copy is done leaves it as it is', async (t) => {
  const space = await direct.space()
  await Promise.all(Array.from({ length: 300 }, (_, i) => space.write(`t/${i}`, 1)))
  await throughProxy(async (proxy, spaces) => {
    const late = hold(proxy, 'copy_step')
    await spaces.copy(space.op, at('t'), at('copy'))
    const listing = await space.listing()
    t.is(listing.size, 602)
    await late.release()
    t.deepEqual(await space.replay(), listing)
    await spaces.abandonCopies(space.op.space, Date.now() + 1000)
    await spaces.reaped()
    t.deepEqual(await space.replay(), listing)
    t.deepEqual(await space.listing(), listing)
  })
})

test('the collector that loses an answer claims no blob twice and forgets none', async (t) => {
  const space = await direct.space()
  for (const name of ['a', 'b', 'c']) await space.write(name)
  for (const name of ['a', 'b', 'c']) await space.remove(name)
  const { space: id } = space.op
  await throughProxy(async (proxy, spaces) => {
    const lost = proxy.loseReply(scripts.source('freed'))
    const freed = await spaces.freed(id, Date.now() + 1000, 2)
    await lost.happened
    t.is(new Set(freed).size, freed.length)
    t.is(freed.length + (await redis.llen(`{${id}}:f`)), 3)
  })
})

test('a change that lost an answer and then finds its folder on the way to another master waits for it', async (t) => {
  const space = await direct.space()
  await space.write('f')
  const key = `{${space.op.space}}:d:0`
  await redis.rename(key, `${key}-away`)
  await throughProxy(async (proxy, spaces) => {
    const lost = proxy.loseReply(scripts.source('write'))
    const busy = proxy.passReply(scripts.source('write'))
    const answer = spaces.write(space.op, at('g'), blob(1), type)
    await lost.happened
    await busy.happened
    await redis.rename(`${key}-away`, key)
    t.true((await answer).created)
  })
  t.deepEqual(await space.names(), ['f', 'g'])
})

test('fsck that loses the answer of a repair mends once', async (t) => {
  const space = await direct.space()
  await space.mkdir('a/b')
  await redis.hincrby(`{${space.op.space}}:s`, 'entries', 5)
  const proxy = await RedisProxy.start(server.socket)
  const client = await connectRedis(proxy.socket, { name: 'fsck' })
  t.teardown(async () => {
    client.disconnect()
    await proxy.stop()
  })
  const lost = lose(proxy, 'mend_folder')
  const spaces = [space.op.space]
  const { problems } = await fsck({ redis: client, blobs: new NamedBlobs() }, { repair: true, spaces })
  await lost.happened
  t.deepEqual(
    problems.map(({ kind, repaired }) => [kind, repaired]),
    [['totals', true]],
  )
  t.is((await space.spaces.info(space.op)).entries, 2)
})
