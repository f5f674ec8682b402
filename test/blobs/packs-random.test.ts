import test, { type ExecutionContext } from 'ava'
import type { LocalBlobStore } from '../../src/blobs/local/store.js'
import { Random } from '../support/random.js'
import { MemoryLedger } from './memory-ledger.js'
import { listed, namesIn, openStore, rested, silenced, sweep } from './packs-support.js'
import { all, FUTURE, NO_LIMIT, ownFolder, sorted } from './support.js'

/**
 * Several processes in one folder do everything in any order, and die: what the tree has linked is there, byte for byte, for
 * each of them; what it refused is never there again once it was discarded or judged.
 */

const STEPS = process.env.NOVEM_TEST_LONG === '1' ? 5000 : 250
const SIZES = [0, 1, 100, 1000, 3000, 65_536, 65_537]

interface Process {
  readonly store: LocalBlobStore
  /** What it has put and not said anything of. */
  readonly mine: string[]
  /** That it may have appended to. */
  readonly packs: Set<string>
}

class World {
  readonly ledger = new MemoryLedger()
  /** Linked and not deleted, with the byte that fills it. */
  readonly live = new Map<string, { fill: number; size: number }>()
  /** Refused, and perhaps there still. */
  readonly refused = new Set<string>()
  readonly processes: Process[] = []
  #count = 0

  constructor(
    readonly t: ExecutionContext,
    readonly folder: string,
    readonly random: Random,
  ) {}

  async begin(): Promise<void> {
    const store = await openStore(this.t, this.folder, { packs: { packBytes: 8000 } })
    this.processes.push({ store, mine: [], packs: new Set() })
  }

  readonly steps: Record<string, () => Promise<unknown>> = {
    put: async () => {
      const { store, mine, packs } = this.any()
      const size = this.random.pick(SIZES)
      const fill = this.#count++ % 256
      const { id } = await store.put('s1', Buffer.alloc(size, fill), NO_LIMIT)
      mine.push(id)
      packs.add(id.slice(0, 12))
      if (this.random.below(4) === 0) this.refused.add(id)
      else {
        this.ledger.linked.add(id)
        this.live.set(id, { fill, size })
      }
    },
    decide: async () => {
      const { store, mine } = this.any()
      for (const id of mine.splice(0, 3)) {
        if (this.ledger.linked.has(id)) await store.settle('s1', id)
        else {
          await store.discard('s1', id)
          this.refused.delete(id)
        }
      }
    },
    delete: async () => {
      const undecided = new Set(this.processes.flatMap(({ mine }) => mine))
      const some = [...this.live.keys()].filter((id) => !undecided.has(id) && this.random.below(3) === 0)
      await this.any().store.delete('s1', some)
      for (const id of some) {
        this.live.delete(id)
        // It was linked once; the collector asks the journal, which knows nothing of what becomes of it later.
        this.ledger.linked.delete(id)
      }
    },
    sweep: async () => {
      this.t.is((await sweep(this.any().store, this.ledger)).failed, 0)
    },
    tidy: async () => {
      await rested(this.folder)
      await this.any().store.tidy()
    },
    close: async () => {
      const [{ store }] = this.processes.splice(this.random.below(this.processes.length), 1) as [Process]
      await store.close()
      await this.begin()
    },
    die: () => this.die(this.random.below(this.processes.length)),
  }

  /** The process is killed, and another one begins. */
  async die(which: number): Promise<void> {
    const [{ packs }] = this.processes.splice(which, 1) as [Process]
    for (const pack of packs) await silenced(this.folder, pack)
    await this.begin()
  }

  any(): Process {
    return this.random.pick(this.processes)
  }

  async check(): Promise<void> {
    for (const { store } of this.processes) {
      const ids = (await listed(store)).map((line) => line.slice(0, 32))
      this.t.is(new Set(ids).size, ids.length)
      for (const id of this.live.keys()) if (!ids.includes(id)) this.t.fail(`${id} is not listed`)
      for (const id of ids)
        if (!this.live.has(id) && !this.refused.has(id)) this.t.fail(`${id} is listed and should be gone`)
      for (const [id, { fill, size }] of this.live) {
        if ((await store.size('s1', id)) !== size) this.t.fail(`${id} has another size`)
        const bytes = size > 0 ? await store.read('s1', id, { start: 0, end: size - 1 }) : Buffer.alloc(0)
        if (!bytes.every((byte) => byte === fill)) this.t.fail(`${id} has other bytes`)
      }
    }
  }
}

test('random lives and deaths', async (t) => {
  const random = Random.seeded()
  t.log(`seed ${random.seed}`)
  const folder = await ownFolder(t)
  const world = new World(t, folder, random)
  for (let n = 0; n < 3; n++) await world.begin()
  const often = ['put', 'put', 'put', 'put', 'put', 'put', 'decide', 'decide', 'delete']
  const steps = [...often, ...often, 'sweep', 'tidy', 'close', 'die']
  for (let step = 0; step < STEPS; step++) {
    await world.steps[random.pick(steps)]?.()
    if (step % 10 === 0) await world.check()
  }
  for (let n = 0; n < 3; n++) await world.die(0)
  const { store } = world.any()
  t.is((await sweep(store, world.ledger)).failed, 0)
  await world.steps.tidy?.()
  await world.check()
  t.deepEqual(await listed(store), sorted([...world.live.keys()]))
  t.deepEqual(await all(store.pending(FUTURE)), [])
  await store.delete('s1', [...world.live.keys()])
  await world.steps.tidy?.()
  t.deepEqual(await namesIn(folder, 'packs'), [])
  t.deepEqual(await namesIn(folder, 'blobs'), [])
})
