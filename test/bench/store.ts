import { randomBytes } from 'node:crypto'
import type { Redis } from 'ioredis'
import { testRedis } from '../support/redis.js'
import { at, LIMITS, type TestSpace, TestTree } from '../support/space.js'
import { fileName } from './files.js'
import type { Group } from './group.js'
import { milliseconds, rate } from './load.js'
import type { Measurement, Side } from './measure.js'
import { usedMemory } from './redis-memory.js'

/** The tree straight on Redis, without HTTP and bytes: one process of ours, one connection, AOF on the temp disk. */

const WIDTH = 64
const CREATES = 20_000
const LOOKUPS = 20_000
/** Files of the folders the bulk is made of. */
const FOLDER = 1000
const BIG = 200_000
const SLOW_US = 10_000

interface Bench {
  readonly aof: 'everysec' | 'always'
  readonly tree: TestTree
  readonly redis: Redis
}

export const store: Group = async function* ({ quick }) {
  const benches = [await start('everysec'), await start('always')]
  try {
    yield await creates(benches, 'an empty space', 0)
    yield await lookups(benches, 'an empty space', 0)
    const everysec = benches[0] as Bench
    yield await memory(everysec)
    yield await listing(everysec)
    yield* await bigTree(everysec)
    for (const size of quick ? [1000] : [1000, 1_000_000]) {
      const label = `a space of ${size.toLocaleString('en')} entries`
      yield await creates([everysec], label, size)
      yield await lookups([everysec], label, size)
    }
  } finally {
    for (const { tree } of benches) await tree.stop()
  }
}

async function start(aof: Bench['aof']): Promise<Bench> {
  const server = await testRedis({ aof })
  const tree = await TestTree.start(server)
  return { aof, tree, redis: await server.connect('bench') }
}

/** A space that holds `entries` files in folders of a thousand, 20-character names. */
async function filled(bench: Bench, entries: number): Promise<TestSpace> {
  const space = await bench.tree.space({ ...LIMITS, entries: 10_000_000 })
  await fill(space, '', entries)
  return space
}

function fill(space: TestSpace, prefix: string, entries: number): Promise<number> {
  const write = (n: number) => space.write(`${prefix}folder${Math.floor(n / FOLDER)}/${fileName(n)}`)
  return rate(entries, WIDTH, write)
}

async function creates(benches: readonly Bench[], where: string, entries: number): Promise<Measurement> {
  const sides: Side[] = []
  for (const bench of benches) {
    const space = await filled(bench, entries)
    let round = 0
    sides.push({
      name: `appendfsync ${bench.aof}`,
      run: () => fill(space, `round${round++}/`, CREATES),
    })
  }
  return {
    name: `creates of files, ${WIDTH} in flight, ${where}`,
    unit: '/s',
    sides,
    target: { says: '≥ 25,000/s', reached: ([first]) => (first as number) >= 25_000 },
  }
}

async function lookups(benches: readonly Bench[], where: string, entries: number): Promise<Measurement> {
  const sides: Side[] = []
  for (const bench of benches) {
    const space = await filled(bench, entries)
    const folder = 'folder-a/folder-b/folder-c/folder-d/folder-e/folder-f/folder-g'
    for (let n = 0; n < 100; n++) await space.write(`${folder}/${fileName(n)}`)
    const places = Array.from({ length: 100 }, (_, n) => at(`${folder}/${fileName(n)}`))
    sides.push({
      name: `appendfsync ${bench.aof}`,
      run: () => rate(LOOKUPS, WIDTH, (n) => space.spaces.stat(space.op, places[n % 100] as never)),
    })
  }
  return {
    name: `look-ups of a path 8 deep, ${WIDTH} in flight, ${where}`,
    unit: '/s',
    sides,
    target: { says: '≥ 50,000/s', reached: ([first]) => (first as number) >= 50_000 },
  }
}

async function memory({ tree, redis }: Bench): Promise<Measurement> {
  const run = async () => {
    const space = await tree.space()
    const before = await usedMemory(redis)
    await fill(space, '', 100_000)
    return ((await usedMemory(redis)) - before) / 100_000
  }
  return {
    name: 'memory of Redis for a file with its journal row, 20-character names',
    unit: 'bytes',
    rounds: 3,
    sides: [{ name: 'folders of 1,000', run }],
    target: { says: '≤ 320 bytes', reached: ([first]) => (first as number) <= 320 },
  }
}

async function listing({ tree, redis }: Bench): Promise<Measurement> {
  const space = await tree.space()
  await rate(10_000, WIDTH, (n) => space.write(`flat/${fileName(n)}`))
  await rate(10_000, WIDTH, (n) => space.write(`deep/folder${n % 100}/${fileName(n)}`))
  const { spaces, op } = space
  const drain = async (path: string) => {
    let count = 0
    for await (const batch of (await spaces.tree(op, at(path))).batches) count += batch.length
    return count
  }
  const pages = async () => {
    let cursor: string | undefined
    do {
      const page = await spaces.list(op, at('flat'), cursor === undefined ? {} : { cursor })
      cursor = page.cursor
    } while (cursor !== undefined)
  }
  await redis.ping()
  return {
    name: '10,000 entries read and decoded',
    unit: 'ms',
    sides: [
      { name: 'list, one folder, paged', run: () => milliseconds(pages) },
      { name: 'tree, 100 folders (at once)', run: () => milliseconds(() => drain('deep')) },
      { name: 'tree, one folder (at once)', run: () => milliseconds(() => drain('flat')) },
    ],
  }
}

/** Move and recursive delete of a tree of 200,000, beside one of 10, and what Redis' slow log says meanwhile. */
async function* bigTree({ tree, redis }: Bench): AsyncGenerator<Measurement | string> {
  const space = await tree.space({ ...LIMITS, entries: 10_000_000 })
  await redis.config('SET', 'slowlog-log-slower-than', SLOW_US)
  await redis.slowlog('RESET')
  await fill(space, 'big/', BIG)
  await fill(space, 'small/', 10)
  const mover = (path: string): Side => {
    let here = path
    const run = () => {
      const there = `${path}-${randomBytes(4).toString('hex')}`
      const done = milliseconds(() => space.move(here, there))
      here = there
      return done
    }
    return { name: `tree of ${path === 'big' ? '200,000' : '10'}`, run }
  }
  const target = { says: '< 50 ms', reached: ([first]: readonly number[]) => (first as number) < 50 }
  yield { name: 'move of a folder', unit: 'ms', sides: [mover('big'), mover('small')], target }
  const remover = (entries: number): Side => ({
    name: `tree of ${entries.toLocaleString('en')}`,
    run: async () => {
      const top = `gone-${randomBytes(4).toString('hex')}`
      await fill(space, `${top}/`, entries)
      const took = await milliseconds(() => space.remove(top, true))
      await tree.spaces.reaped()
      return took
    },
  })
  yield { name: 'recursive delete', unit: 'ms', sides: [remover(BIG), remover(10)], target, rounds: 3 }
  const slow = (await redis.slowlog('GET', 10)) as readonly (readonly unknown[])[]
  yield slow.length === 0
    ? 'SLOWLOG over 10 ms meanwhile: empty'
    : `SLOWLOG over 10 ms meanwhile: ${slow.map((row) => `${row[2]} µs`).join(', ')}`
}
