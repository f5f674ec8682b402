import { setImmediate as turn } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { type ErrorCode, SpaceError } from '../../src/space/errors.js'
import { fsck } from '../../src/space/fsck.js'
import { NamedBlobs } from '../support/named-blobs.js'
import { Random } from '../support/random.js'
import { at, replay, type TestSpace, TestTree } from '../support/space.js'
import { Model, type ModelConditions, type ModelFolder, Refused, walk } from './model.js'

/**
 * Random operations, each compared with what the model says at once; listing, journal and fsck after every round.
 * Clients work at the same time in folders of their own, where each knows what must come out, and then one by one all over
 * the space. NOVEM_TEST_SEED repeats a run.
 */

const LONG = process.env.NOVEM_TEST_LONG === '1'
const CLIENTS = 4
const ROUNDS = LONG ? 8 : 3
const OPERATIONS = LONG ? 500 : 250

/** Same name in other case and normal form; folding that lower case does not do; names that are not the same. */
const NAMES = [
  ['Report.csv', 'report.CSV', 'REPORT.csv'],
  ['r\u00e9sum\u00e9', 're\u0301sume\u0301', 'R\u00c9SUM\u00c9', 'RE\u0301SUME\u0301'],
  ['\u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2', '\u03c3\u03af\u03c3\u03c5\u03c6\u03bf\u03c3'],
  ['\u00df', '\u1e9e'],
  ['ss', 'SS'],
  ['\u212a', 'k', 'K'],
  ['a', 'A'],
  ['b b'],
  ['😀'],
  ['deep'],
]

interface Expected<T> {
  readonly value?: T
  readonly code?: ErrorCode
}

class Client {
  constructor(
    readonly t: ExecutionContext,
    readonly space: TestSpace,
    readonly model: Model,
    readonly blobs: NamedBlobs,
    readonly random: Random,
    /** All paths begin with it; '' works all over the space. */
    readonly top: string,
  ) {}

  async work(count: number): Promise<void> {
    const steps = [
      () => this.write(),
      () => this.write(),
      () => this.write(),
      () => this.mkdir(),
      () => this.move(),
      () => this.move(),
      () => this.remove(),
      () => this.copy(),
      () => this.touch(),
      () => this.look(),
    ]
    for (let i = 0; i < count; i++) await this.random.pick(steps)()
  }

  async write(): Promise<void> {
    const { base, path } = this.place()
    const conditions = this.conditions(path, base)
    const blob = this.blobs.put(this.random.below(1000))
    const expected = this.expect(() =>
      this.model.write(path, { etag: blob.id, size: blob.size }, base, conditions),
    )
    const real = this.space.spaces.write(this.space.op, at(path, base?.id), blob, {
      contentType: 'text/plain',
      ...conditions,
    })
    const result = await this.compare(`write ${path} in ${base?.id}`, expected, real)
    if (!result) this.blobs.discard(blob)
    else {
      const [{ created, path: shown }, { created: reallyCreated, entry }] = result
      this.t.deepEqual([reallyCreated, entry.path, entry.etag], [created, shown, blob.id])
    }
  }

  async mkdir(): Promise<void> {
    const { base, path } = this.place()
    const expected = this.expect(() => this.model.mkdir(path, base))
    const real = this.space.spaces.mkdir(this.space.op, at(path, base?.id))
    const result = await this.compare(`mkdir ${path} in ${base?.id}`, expected, real)
    if (!result) return
    const [{ created, folder }, { created: reallyCreated, entry }] = result
    this.t.deepEqual([reallyCreated, entry.name], [created, folder.name])
    folder.id ??= entry.id
    this.t.is(entry.id, folder.id)
  }

  async move(): Promise<void> {
    const from = this.random.chance(0.8) ? this.known() : this.place()
    const to = this.random.chance(0.7) ? this.place() : this.known()
    const conditions = this.conditions(from.path, from.base)
    const overwrite = this.random.chance(0.3)
    const expected = this.expect(() =>
      this.model.move(from.path, to.path, conditions, { from: from.base, to: to.base }, overwrite),
    )
    const path = expected.value && this.model.pathOf(expected.value.entry)
    const real = this.space.spaces.move(
      this.space.op,
      at(from.path, from.base?.id),
      at(to.path, to.base?.id),
      { ...conditions, overwrite },
    )
    const what = `move ${from.path} in ${from.base?.id} to ${to.path} in ${to.base?.id}`
    const result = await this.compare(what, expected, real)
    if (!result) return
    const [said, { entry, from: old, replaced }] = result
    this.t.deepEqual([entry.path, old, replaced], [path, said.from, said.replaced], what)
  }

  /** The model learns the copy's etags, after it has foreseen everything else. */
  async copy(): Promise<void> {
    const from = this.known().path
    const source = this.model.find(from)
    if (source && [...walk(source, '')].length > 40) return
    const to = this.random.chance(0.7) ? this.place() : this.known()
    if (to.base) return
    const overwrite = this.random.chance(0.3)
    const expected = this.expect(() => this.model.copy(from, to.path, overwrite))
    const real = this.space.spaces.copy(this.space.op, at(from), at(to.path), { overwrite })
    const result = await this.compare(`copy ${from} to ${to.path}`, expected, real)
    if (!result) return
    const path = this.model.pathOf(result[0])
    this.t.is(result[1].entry.path, path)
    const etags = new Map<string, string>([[path, result[1].entry.etag]])
    if (result[1].entry.kind === 'folder') {
      for await (const batch of (await this.space.spaces.tree(this.space.op, at(path))).batches) {
        for (const entry of batch) etags.set(entry.path, entry.etag)
      }
    }
    this.model.adopt(path, etags)
  }

  async remove(): Promise<void> {
    const { base, path } = this.random.chance(0.7) ? this.known() : this.place()
    const recursive = this.random.chance(0.4)
    const expected = this.expect(() => this.model.remove(path, recursive, base))
    const real = this.space.spaces.remove(this.space.op, at(path, base?.id), { recursive })
    const result = await this.compare(`remove ${path} in ${base?.id}`, expected, real)
    if (result) this.t.is(result[1].deleted, result[0])
  }

  async touch(): Promise<void> {
    const { path } = this.known()
    const executable = this.random.chance(0.5)
    const expected = this.expect(() => this.model.setExecutable(path, executable))
    const real = this.space.spaces.setAttributes(this.space.op, at(path), { executable, modified: 1000 })
    const result = await this.compare(`touch ${path}`, expected, real)
    if (result) this.t.like(result[1].entry, { etag: result[0].etag, executable, modified: 1000 })
  }

  /** Learns a folder's id on the way. */
  async look(): Promise<void> {
    const { path } = this.known()
    const model = this.model.find(path)
    if (!model) return
    const { entry } = await this.space.stat(path)
    this.t.is(entry.kind, model.kind)
    this.t.is(entry.path, this.model.pathOf(model))
    if (model.kind === 'file' || entry.kind === 'file') return
    model.id ??= entry.id
    const below = [...walk(model, '')].slice(1)
    const bytes = below.reduce((sum, [, child]) => sum + (child.kind === 'file' ? child.size : 0), 0)
    this.t.deepEqual([entry.id, entry.entries, entry.size], [model.id, below.length, bytes])
  }

  /** A random place, mostly in a folder that exists, sometimes relative to one by its id. */
  place(): { path: string; base?: ModelFolder } {
    const names = Array.from({ length: 1 + this.random.below(3) }, () => this.name())
    if (this.random.chance(0.2)) {
      const bases = this.folders().filter(([, folder]) => folder.id !== undefined)
      if (bases.length > 0) return { path: names.slice(0, 2).join('/'), base: this.random.pick(bases)[1] }
    }
    const [folder] = this.random.pick(this.folders())
    return { path: [folder, ...names.slice(0, 2)].filter((part) => part !== '').join('/') }
  }

  /** A place where something is, if there is anything; written in any case and normal form. */
  known(): { path: string; base?: ModelFolder } {
    const top = this.model.find(this.top)
    const below = top ? [...walk(top, this.top)].slice(1) : []
    if (below.length === 0) return this.place()
    const [path] = this.random.pick(below)
    return { path: this.random.chance(0.3) ? path.toUpperCase().toLowerCase().normalize('NFD') : path }
  }

  conditions(path: string, base: ModelFolder | undefined): ModelConditions {
    if (!this.random.chance(0.2)) return {}
    if (this.random.chance(0.5)) return { ifNoneMatch: '*' }
    const entry = base ? undefined : this.model.find(path)
    const etag = entry?.kind === 'file' && this.random.chance(0.8) ? entry.etag : '0'.repeat(32)
    return { ifMatch: [etag] }
  }

  folders(): [path: string, folder: ModelFolder][] {
    const top = this.model.find(this.top)
    if (top?.kind !== 'folder') return [[this.top, { kind: 'folder', name: this.top, children: new Map() }]]
    return [...walk(top, this.top)].flatMap(([path, entry]): [string, ModelFolder][] =>
      entry.kind === 'folder' && path.split('/').length < 12 ? [[path, entry]] : [],
    )
  }

  name(): string {
    if (this.random.chance(0.15)) return `f${this.random.below(3000)}`
    return this.random.pick(this.random.pick(NAMES))
  }

  expect<T>(run: () => T): Expected<T> {
    try {
      return { value: run() }
    } catch (error) {
      if (error instanceof Refused) return { code: error.code }
      throw error
    }
  }

  /** Both results, or undefined where both refused alike. */
  async compare<T, R>(what: string, expected: Expected<T>, real: Promise<R>): Promise<[T, R] | undefined> {
    const outcome = await real.then(
      (value) => ({ value }),
      (error: unknown) => {
        if (error instanceof SpaceError) return { code: error.code }
        throw error
      },
    )
    const code = 'code' in outcome ? outcome.code : undefined
    this.t.is(code, expected.code, what)
    return 'value' in outcome && expected.code === undefined
      ? [expected.value as T, outcome.value]
      : undefined
  }
}

let tree: TestTree
test.before(async () => {
  tree = await TestTree.start()
})
test.after.always(() => tree.stop())

interface Snapshot {
  readonly seq: number
  readonly listing: Map<string, string>
}

async function run(t: ExecutionContext, prepare: (client: Client) => Promise<void>): Promise<void> {
  const random = Random.seeded()
  t.log(`seed ${random.seed}`)
  const space = await tree.space()
  const model = new Model()
  const blobs = new NamedBlobs()
  const redis = await tree.redis.connect()
  const client = (top: string) => new Client(t, space, model, blobs, random.fork(), top)
  const clients = Array.from({ length: CLIENTS }, (_, index) => client(`client ${index}`))
  const everywhere = client('')
  await prepare(everywhere)
  const snapshots: Snapshot[] = []
  const snapshot = async () => {
    snapshots.push({ seq: (await space.stat('')).mark.seq, listing: model.listing() })
  }
  for (let round = 0; round < ROUNDS; round++) {
    await Promise.all(clients.map((one) => one.work(OPERATIONS)))
    await snapshot()
    for (let part = 0; part < 4; part++) {
      await everywhere.work(OPERATIONS / 10)
      await snapshot()
    }
    same(t, await space.listing(), model.listing())
    const { problems } = await fsck({ redis, blobs }, { spaces: [space.op.space] })
    t.deepEqual(problems, [])
  }
  const rows = await space.journal()
  t.deepEqual(
    rows.map((row) => row.seq),
    rows.map((_, index) => index + 1),
  )
  for (const { seq, listing } of snapshots) {
    // The other test of this process hears of what Redis answers in between.
    await turn()
    same(t, replay(rows.filter((row) => row.seq <= seq)), listing)
  }
}

/** Two listings, without showing all of both where they differ. */
function same(t: ExecutionContext, real: Map<string, string>, expected: Map<string, string>): void {
  const strange = [...real].filter(([path, entry]) => expected.get(path) !== entry)
  const missing = [...expected].filter(([path]) => !real.has(path))
  t.deepEqual({ strange, missing }, { strange: [], missing: [] })
}

test('random operations of several clients do what the model does', async (t) => {
  await run(t, async () => {})
})

test('so they do around the size at which a folder gets its index', async (t) => {
  await run(t, async (client) => {
    const fill = async (prefix: string, count: number) => {
      const write = async (i: number) => {
        const blob = client.blobs.put(i)
        const path = `${prefix}f${i}`
        client.model.write(path, { etag: blob.id, size: i })
        await client.space.spaces.write(client.space.op, at(path), blob, { contentType: 'a/b' })
      }
      for (let i = 0; i < count; i += 20) {
        await Promise.all(Array.from({ length: 20 }, (_, offset) => write(i + offset)))
      }
    }
    await fill('client 0/', 2020)
    await fill('', 2040)
  })
})
