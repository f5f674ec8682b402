import type { Redis } from 'ioredis'
import { testRedis } from '../support/redis.js'
import { at, LIMITS, type TestSpace, TestTree } from '../support/space.js'
import { fileName } from './files.js'
import type { Group } from './group.js'
import { milliseconds, rate } from './load.js'
import type { Measurement, Side } from './measure.js'
import { usedMemory } from './redis-memory.js'

/**
 * What an operation costs in spaces of different sizes, straight on Redis. Half of the entries are in one folder, the others
 * in folders of a thousand. And in one space beside a thousand of them.
 */

const WIDTH = 64
const FOLDER = 1000
const OPERATIONS = 5000
const PAGE = 100
const PAGES = 200
const SPACES = 1000

export const scale: Group = async function* ({ quick }) {
  const server = await testRedis({ aof: 'everysec' })
  const tree = await TestTree.start(server)
  try {
    const redis = await server.connect('bench')
    const scenes: Scene[] = []
    for (const entries of quick ? [1000, 10_000] : [1000, 100_000, 1_000_000]) {
      scenes.push(await scene(tree, redis, entries))
    }
    yield* operations(scenes)
    yield {
      name: 'memory of Redis for an entry with its journal row',
      unit: 'bytes',
      rounds: 1,
      of: 'entries in the space',
      sides: scenes.map(({ entries, bytes }) => ({ ...sized(entries), run: () => bytes / entries })),
    }
    yield await manySpaces(tree)
  } finally {
    await tree.stop()
  }
}

interface Scene {
  readonly space: TestSpace
  readonly entries: number
  /** Memory that it takes. */
  readonly bytes: number
}

async function scene(tree: TestTree, redis: Redis, entries: number): Promise<Scene> {
  const before = await usedMemory(redis)
  const space = await tree.space({ ...LIMITS, entries: 10_000_000 })
  await rate(entries / 2, WIDTH, (n) => space.write(`flat/${fileName(n)}`))
  await rate(entries / 2, WIDTH, (n) => space.write(`deep/folder${Math.floor(n / FOLDER)}/${fileName(n)}`))
  return { space, entries, bytes: (await usedMemory(redis)) - before }
}

function* operations(scenes: readonly Scene[]): Generator<Measurement> {
  let next = 0
  const every = (name: string, run: (scene: Scene) => Promise<number>): Measurement => ({
    name,
    unit: 'µs',
    of: 'entries in the space',
    sides: scenes.map((scene) => ({ ...sized(scene.entries), run: () => run(scene) })),
    target: {
      says: 'the largest space ≤ 1.5 × the smallest',
      reached: (medians) => (medians.at(-1) as number) <= 1.5 * (medians[0] as number),
    },
  })
  const each = async (operation: (n: number) => Promise<unknown>) =>
    1e6 / (await rate(OPERATIONS, WIDTH, operation))
  yield every('look-up of a file', ({ space, entries }) => {
    return each((n) => space.stat(`flat/${fileName((n * 7919) % (entries / 2))}`))
  })
  yield every(`page of ${PAGE} of the large folder`, async ({ space }) => {
    const { spaces, op } = space
    const { cursor } = await spaces.list(op, at('flat'), { limit: PAGE })
    const behind = { limit: PAGE, ...(cursor !== undefined && { cursor }) }
    return 1e6 / (await rate(PAGES, 1, () => spaces.list(op, at('flat'), behind)))
  })
  yield every('new file in the large folder', ({ space }) => {
    const round = next++
    return each((n) => space.write(`flat/new-${round}-${n}.txt`))
  })
  yield every('overwrite of a file', ({ space, entries }) => {
    return each((n) => space.write(`flat/${fileName((n * 7919) % (entries / 2))}`))
  })
  yield every('move of a file out of the large folder', async ({ space }) => {
    const round = next++
    await rate(OPERATIONS, WIDTH, (n) => space.write(`flat/moved-${round}-${n}.txt`))
    return each((n) => space.move(`flat/moved-${round}-${n}.txt`, `deep/moved-${round}-${n}.txt`))
  })
  yield every('delete of a file in the large folder', async ({ space }) => {
    const round = next++
    await rate(OPERATIONS, WIDTH, (n) => space.write(`flat/gone-${round}-${n}.txt`))
    return each((n) => space.remove(`flat/gone-${round}-${n}.txt`))
  })
  yield every('move of the large folder', async ({ space }) => {
    const there = await milliseconds(() => space.move('flat', 'elsewhere'))
    return 500 * (there + (await milliseconds(() => space.move('elsewhere', 'flat'))))
  })
}

async function manySpaces(tree: TestTree): Promise<Measurement> {
  const one = [await tree.space()]
  const many = await Promise.all(Array.from({ length: SPACES }, () => tree.space()))
  let round = 0
  const writes = (spaces: readonly TestSpace[]): Side => ({
    name: `${spaces.length.toLocaleString('en')} spaces`,
    at: spaces.length,
    run: async () => {
      const prefix = `round${round++}`
      const write = (n: number) => (spaces[n % spaces.length] as TestSpace).write(`${prefix}/${n}.txt`)
      return 1e6 / (await rate(OPERATIONS, WIDTH, write))
    },
  })
  return { name: 'new file, spaces in turn', unit: 'µs', of: 'spaces', sides: [writes(many), writes(one)] }
}

function sized(entries: number): Pick<Side, 'name' | 'at'> {
  return { name: `${entries.toLocaleString('en')} entries`, at: entries }
}
