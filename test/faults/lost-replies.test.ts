import test from 'ava'
import type { Redis } from 'ioredis'
import { connectRedis } from '../../src/redis/connect.js'
import { Scripts, scriptsFolder } from '../../src/redis/scripts.js'
import { fsck } from '../../src/space/fsck.js'
import { Spaces } from '../../src/space/spaces.js'
import type { OpContext, StoredBlob } from '../../src/space/types.js'
import { NamedBlobs } from '../support/named-blobs.js'
import { type Fault, RedisProxy } from '../support/proxy.js'
import { type TestRedis, testRedis } from '../support/redis.js'
import { at, blob, type TestSpace, TestTree } from '../support/space.js'

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

interface Mutation {
  readonly script: string
  /** How often the script runs before it changes anything. */
  readonly skip?: number
  /** It keeps its answer instead of asking the journal, so nothing fences it off. */
  readonly keeps?: boolean
  prepare?(space: TestSpace): Promise<unknown>
  run(spaces: Spaces, op: OpContext, bytes: StoredBlob): Promise<unknown>
}

const type = { contentType: 'text/plain' }
const MUTATIONS: Record<string, Mutation> = {
  'a write that creates, with parents': {
    script: 'write',
    run: (spaces, op, bytes) => spaces.write(op, at('a/b/F'), bytes, type),
  },
  'a write that replaces': {
    script: 'write',
    prepare: (space) => space.write('A/f', 7),
    run: (spaces, op, bytes) => spaces.write(op, at('a/F'), bytes, { ...type, executable: true }),
  },
  'mkdir with parents': {
    script: 'mkdir',
    run: (spaces, op) => spaces.mkdir(op, at('x/y/z')),
  },
  'mkdir of a folder that exists': {
    script: 'mkdir',
    prepare: (space) => space.mkdir('x/y'),
    run: (spaces, op) => spaces.mkdir(op, at('X/Y')),
  },
  'a move of a folder, with parents': {
    script: 'move',
    prepare: (space) => space.write('from/f', 3),
    run: (spaces, op) => spaces.move(op, at('from'), at('to/here')),
  },
  'a move of a file over another': {
    script: 'move',
    prepare: async (space) => {
      await space.write('one', 1)
      await space.write('dir/Two', 2)
    },
    run: (spaces, op) => spaces.move(op, at('one'), at('dir/two')),
  },
  'a move of a tree over another': {
    script: 'move',
    prepare: async (space) => {
      for (const path of ['t/a', 'dir/u/b', 'dir/u/c/d']) await space.write(path, 2)
    },
    run: (spaces, op) => spaces.move(op, at('t'), at('dir/u'), { overwrite: true }),
  },
  'a move right behind the copy of a tree': {
    script: 'move',
    prepare: async (space) => {
      for (const path of ['t/a', 't/b/c', 'f']) await space.write(path, 2)
      await space.spaces.copy(space.op, at('t'), at('Copy'))
    },
    run: (spaces, op) => spaces.move(op, at('f'), at('g')),
  },
  'a rename that changes only case': {
    script: 'move',
    prepare: (space) => space.write('name', 1),
    run: (spaces, op) => spaces.move(op, at('name'), at('NAME')),
  },
  'removing a file': {
    script: 'remove',
    prepare: (space) => space.write('dir/f', 4),
    run: (spaces, op) => spaces.remove(op, at('dir/f')),
  },
  'removing an empty folder': {
    script: 'remove',
    prepare: (space) => space.mkdir('dir/empty'),
    run: (spaces, op) => spaces.remove(op, at('dir/empty')),
  },
  'removing a tree': {
    script: 'remove',
    prepare: async (space) => {
      for (const path of ['t/a', 't/b/c', 't/b/d', 'other']) await space.write(path, 2)
    },
    run: (spaces, op) => spaces.remove(op, at('t'), { recursive: true }),
  },
  'setting times and the exec bit': {
    script: 'touch',
    prepare: (space) => space.write('dir/f', 4),
    run: (spaces, op) => spaces.setAttributes(op, at('dir/f'), { modified: 1000, executable: true }),
  },
}

const LOCK = {
  token: 'urn:uuid:of-the-test',
  scope: 'exclusive',
  depth: 'infinity',
  owner: '',
  timeoutMs: 60_000,
} as const
const lock = (space: TestSpace) => space.spaces.lock(space.op, at('dir'), LOCK)

Object.assign(MUTATIONS, {
  'copying a file': {
    script: 'copy',
    prepare: (space) => space.write('a/f', 4),
    run: (spaces, op) => spaces.copy(op, at('a/f'), at('a/G')),
  },
  'copying a file over another': {
    script: 'copy',
    prepare: async (space) => {
      await space.write('f', 4)
      await space.write('g', 5)
    },
    run: (spaces, op) => spaces.copy(op, at('f'), at('G')),
  },
  'copying a tree': {
    script: 'copy',
    skip: 2,
    prepare: async (space) => {
      for (const path of ['t/a', 't/b/c', 't/b/d']) await space.write(path, 2)
    },
    run: (spaces, op) => spaces.copy(op, at('t'), at('Copy')),
  },
  'copying a tree over another': {
    script: 'copy',
    skip: 2,
    prepare: async (space) => {
      for (const path of ['t/a', 't/b/c', 'dir/u/b', 'dir/u/c/d']) await space.write(path, 2)
    },
    run: (spaces, op) => spaces.copy(op, at('t'), at('dir/u'), { overwrite: true }),
  },
  'copying a file over a folder': {
    script: 'copy',
    prepare: async (space) => {
      for (const path of ['f', 'dir/u/b']) await space.write(path, 2)
    },
    run: (spaces, op) => spaces.copy(op, at('f'), at('dir/u'), { overwrite: true }),
  },
  'setting dead properties': {
    script: 'touch',
    prepare: (space) => space.write('f', 4),
    run: (spaces, op) => spaces.changeProperties(op, at('f'), { set: new Map([['{urn:x}p', '<p/>']]) }),
  },
  locking: {
    script: 'lock',
    keeps: true,
    prepare: (space) => space.write('dir/f'),
    run: (spaces, op) => spaces.lock(op, at('dir'), LOCK),
  },
  'making a lock last longer': {
    script: 'unlock',
    keeps: true,
    prepare: async (space) => {
      await space.write('dir/f')
      await lock(space)
    },
    run: (spaces, op) => spaces.refreshLock(op, at('dir/f'), LOCK.token, 90_000),
  },
  unlocking: {
    script: 'unlock',
    keeps: true,
    prepare: async (space) => {
      await space.write('dir/f')
      await lock(space)
    },
    run: (spaces, op) => spaces.unlock(op, at('dir'), LOCK.token),
  },
} satisfies Record<string, Mutation>)

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
