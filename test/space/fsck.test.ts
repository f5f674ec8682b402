import { rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { Redis } from 'ioredis'
import { LocalBlobStore } from '../../src/blobs/local/store.js'
import { Engine } from '../../src/space/engine.js'
import { type FsckOptions, fsck } from '../../src/space/fsck.js'
import { tempFolder } from '../support/folder.js'
import { type TestRedis, testRedis } from '../support/redis.js'
import { at, type TestSpace, TestTree } from '../support/space.js'

/** Each kind of damage is done by hand, must be found, and is mended where that is safe. */

let server: TestRedis
let tree: TestTree
let redis: Redis
test.before(async () => {
  server = await testRedis()
  tree = await TestTree.start(server)
  redis = await server.connect()
})
test.after.always(() => tree.stop())

/** A space with real blobs. */
class Patient {
  private constructor(
    readonly space: TestSpace,
    readonly blobs: LocalBlobStore,
    readonly folder: string,
  ) {}

  static async make(t: ExecutionContext): Promise<Patient> {
    const folder = tempFolder(t)
    const blobs = new LocalBlobStore(folder, { durability: 'os' })
    await blobs.open()
    t.teardown(() => blobs.close())
    return new Patient(await tree.space(), blobs, folder)
  }

  get id(): string {
    return this.space.op.space
  }

  key(name: string): string {
    return `{${this.id}}:${name}`
  }

  async write(path: string, bytes = `bytes of ${path}`) {
    const blob = await this.blobs.put(this.id, Buffer.from(bytes), { limit: 1000 })
    const { entry } = await this.space.spaces.write(this.space.op, at(path), blob, { contentType: 'a/b' })
    await this.blobs.settle(this.id, blob.id)
    return entry
  }

  /** A tree with something of everything: replaced, moved, deleted, recursively deleted. */
  async fill(): Promise<this> {
    for (const path of ['a/One', 'a/b/two', 'a/b/c/three', 'Ünï/four', 'gone/x', 'gone/y/z'])
      await this.write(path)
    await this.write('a/one', 'other bytes')
    await this.space.move('a/b', 'Moved/here')
    await this.space.move('ünï/four', 'moved/HERE/two')
    await this.space.remove('gone', true)
    await this.space.mkdir('empty')
    await this.copy('moved', 'Twin')
    await this.copy('a/one', 'a/copy')
    await this.space.remove('twin/here', true)
    await this.setProperty('twin')
    return this
  }

  copy(from: string, to: string) {
    return this.space.spaces.copy(this.space.op, at(from), at(to))
  }

  setProperty(path: string) {
    const set = new Map([['{urn:x}p', '<p xmlns="urn:x"/>']])
    return this.space.spaces.changeProperties(this.space.op, at(path), { set })
  }

  /** The path of a live blob's file. */
  file(blob: string): string {
    return join(this.folder, 'blobs', this.id, blob.slice(0, 2), blob)
  }

  async check(options: FsckOptions = {}) {
    return fsck({ redis, blobs: this.blobs }, { spaces: [this.id], ...options })
  }

  async idOf(path: string): Promise<number> {
    return (await this.space.stat(path)).entry.id
  }

  /** Changes a packed entry by hand. */
  async edit(folder: string, folded: string, change: (raw: Buffer) => void): Promise<void> {
    const key = this.key(`d:${await this.idOf(folder)}`)
    const raw = (await redis.hgetBuffer(key, folded)) as Buffer
    change(raw)
    await redis.hset(key, folded, raw)
  }
}

/** All of them, a hundred at a time. */
async function some(paths: readonly string[], run: (path: string) => Promise<unknown>): Promise<void> {
  for (let at = 0; at < paths.length; at += 100) await Promise.all(paths.slice(at, at + 100).map(run))
}

type Found = readonly [kind: string, path: string | undefined, repaired: boolean]

async function found(patient: Patient, options?: FsckOptions): Promise<Found[]> {
  const { problems } = await patient.check(options)
  return problems.map(({ kind, path, repaired }) => [kind, path, repaired])
}

/** Damage that is found, mended by `repair`, and gone after it. */
async function mended(
  t: ExecutionContext,
  patient: Patient,
  expected: readonly (readonly [string, string?])[],
) {
  const listing = await patient.space.replay()
  const told = (repaired: boolean) => expected.map(([kind, path]) => [kind, path, repaired])
  t.deepEqual(await found(patient), told(false))
  t.deepEqual(await found(patient, { repair: true }), told(true))
  t.deepEqual((await patient.check({ deep: true })).problems, [])
  t.deepEqual([...(await patient.space.listing()).keys()], [...listing.keys()])
}

/** Damage that is found and that repairing leaves alone. */
async function told(
  t: ExecutionContext,
  patient: Patient,
  expected: readonly (readonly [string, string?])[],
) {
  const all = expected.map(([kind, path]) => [kind, path, false])
  t.deepEqual(await found(patient), all)
  t.deepEqual(await found(patient, { repair: true }), all)
}

test('a healthy space is clean, and counted', async (t) => {
  const patient = await (await Patient.make(t)).fill()
  const { problems, counts } = await patient.check({ deep: true })
  t.deepEqual(problems, [])
  t.like(counts, { spaces: 1, problems: 0, folders: 8, files: 4, unsettled: 0 })
  t.is(counts.journalRows, (await patient.space.journal()).length)
})

test('totals of a folder and of the space are told where they are wrong, and only there', async (t) => {
  const patient = await (await Patient.make(t)).fill()
  await patient.edit('moved', 'here', (raw) => {
    raw.writeUIntBE(999, 6, 6)
    raw.writeUInt32BE(7, 30)
    raw.writeUInt32BE(1, 34)
  })
  await redis.hincrby(patient.key('s'), 'bytes', 3)
  const here = ['totals', 'Moved/here'] as const
  await mended(t, patient, [here, here, here, ['totals', '']])
  t.like((await patient.space.stat('moved/here')).entry, { entries: 3 })
})

test('bounds that are too low are raised', async (t) => {
  const patient = await (await Patient.make(t)).fill()
  await patient.edit('', 'moved', (raw) => {
    raw[38] = 1
    raw.writeUInt16BE(2, 39)
    raw.writeUIntBE(0, 24, 6)
  })
  const bounds = ['bounds', 'Moved'] as const
  await mended(t, patient, [bounds, bounds, bounds])
})

test('a folder’s wrong or missing way up is put right, one of no folder removed', async (t) => {
  const patient = await (await Patient.make(t)).fill()
  const here = await patient.idOf('moved/here')
  await redis.hset(patient.key('u'), String(here), Buffer.from([0, 0, 0, 0, 0, 0x78]))
  await redis.hdel(patient.key('u'), String(await patient.idOf('moved/here/c')))
  await redis.hset(patient.key('u'), '3000', Buffer.from([0, 0, 0, 0, 0, 0x78]))
  await mended(t, patient, [['way-up', 'Moved/here'], ['way-up', 'Moved/here/c'], ['way-up']])
})

for (const [name, folder] of Object.entries({ 'the root': '', 'a folder': 'big' })) {
  test(`the index of ${name} names what the folder holds`, async (t) => {
    const patient = await Patient.make(t)
    const paths = Array.from({ length: 2060 }, (_, i) => `${folder && `${folder}/`}f${i}`)
    await some(paths, (path) => patient.write(path))
    t.deepEqual(await found(patient), [])
    const index = patient.key(`i:${await patient.idOf(folder)}`)
    await redis.zrem(index, 'f7', 'f8')
    await redis.zadd(index, 0, 'stranger')
    await mended(t, patient, [['index', folder]])
    await redis.del(index)
    await mended(t, patient, [['index', folder]])
    if (folder === '') await redis.hdel(patient.key('s'), 'index')
    else {
      await patient.edit('', folder, (raw) => {
        raw[0] = (raw[0] as number) & ~32
      })
    }
    await redis.zrem(index, 'f9')
    await mended(t, patient, [['index', folder]])
    t.is(await redis.zcard(index), 2060)
  })
}

test('a folder of more children than are read at once is checked in steps', async (t) => {
  const patient = await Patient.make(t)
  for (const name of ['f0', 'f1', 'f2']) await patient.write(`big/${name}`)
  const folders = Array.from({ length: 5100 }, (_, i) => `big/d${i}`)
  await some(folders, (path) => patient.space.mkdir(path))
  t.deepEqual(await found(patient), [])
  const big = await patient.idOf('big')
  await redis.zrem(patient.key(`i:${big}`), 'f0')
  await patient.edit('', 'big', (raw) => raw.writeUIntBE(1, 6, 6))
  await redis.hdel(patient.key('u'), String(await patient.idOf('big/d5')))
  await mended(t, patient, [
    ['way-up', 'big/d5'],
    ['index', 'big'],
    ['totals', 'big'],
  ])
})

test('a blob that copies use is counted as often as they do', async (t) => {
  const patient = await (await Patient.make(t)).fill()
  await patient.space.spaces.reaped()
  const { entry } = await patient.space.stat('a/copy')
  const blob = Buffer.from(entry.kind === 'file' ? entry.blob : '', 'hex')
  t.is(await redis.hget(patient.key('refs'), blob), '1')
  await redis.hdel(patient.key('refs'), blob)
  await mended(t, patient, [['blob-uses', 'a/One']])
  await redis.hset(patient.key('refs'), blob, 7)
  await redis.hset(patient.key('refs'), Buffer.alloc(16, 'x'), 1)
  await mended(t, patient, [['blob-uses', 'a/One'], ['blob-uses']])
  await patient.space.remove('a/one')
  t.deepEqual(await found(patient, { deep: true }), [])
})

test('a copy that is being built is nobody’s problem, neither when it is given up', async (t) => {
  const patient = await (await Patient.make(t)).fill()
  const engine = new Engine(redis)
  const { accountId } = patient.space.op.caller
  const moved = await patient.idOf('moved')
  await engine.run('copy_step', patient.id, [
    accountId,
    '-',
    'ab'.repeat(8),
    moved,
    Buffer.alloc(16 * 256, 'e'),
  ])
  t.is(await redis.zcard(patient.key('k')), 1)
  await patient.space.remove('moved', true)
  await patient.space.spaces.reaped()
  t.deepEqual(await found(patient), [])
  await patient.space.spaces.abandonCopies(patient.id, Date.now() + 1000)
  await patient.space.spaces.reaped()
  t.deepEqual(await found(patient, { deep: true }), [])
})

test('dead properties of no entry are removed', async (t) => {
  const patient = await (await Patient.make(t)).fill()
  await patient.space.spaces.reaped()
  const { id } = await patient.write('gone')
  await patient.space.remove('gone')
  await redis.hset(patient.key(`p:${id}`), '{urn:x}p', '<p xmlns="urn:x"/>')
  await mended(t, patient, [['properties']])
})

test('the number of locks is as the space says', async (t) => {
  const patient = await (await Patient.make(t)).fill()
  const lock = { token: 'urn:t', scope: 'exclusive', depth: 0, owner: '', timeoutMs: 60_000 } as const
  await patient.space.spaces.lock(patient.space.op, at('empty'), lock)
  t.deepEqual(await found(patient), [])
  await redis.hset(patient.key('s'), 'locks', 0)
  await mended(t, patient, [['record']])
})

test('the next id is above all ids', async (t) => {
  const patient = await (await Patient.make(t)).fill()
  await redis.hset(patient.key('s'), 'next', 3)
  await mended(t, patient, [['record']])
  await patient.write('new')
  t.deepEqual(await found(patient), [])
})

test('an entry without blob is told and stays', async (t) => {
  const patient = await (await Patient.make(t)).fill()
  const { blob } = await patient.write('lost')
  rmSync(patient.file(blob))
  await told(t, patient, [['blob-missing', 'lost']])
  t.true((await patient.space.names()).includes('lost'))
})

test('a blob that is cut short is told, one whose bytes differ only when all is read', async (t) => {
  const patient = await (await Patient.make(t)).fill()
  const short = await patient.write('short')
  truncateSync(patient.file(short.blob), 3)
  await told(t, patient, [['blob-size', 'short']])
  const rotten = await patient.write('rotten')
  writeFileSync(patient.file(rotten.blob), 'x'.repeat(rotten.size))
  await told(t, patient, [['blob-size', 'short']])
  t.deepEqual((await found(patient, { deep: true })).sort(), [
    ['blob-digest', 'rotten', false],
    ['blob-size', 'short', false],
  ])
})

test('an orphaned blob is let go; pending ones and those let go are none', async (t) => {
  const patient = await (await Patient.make(t)).fill()
  await patient.blobs.put(patient.id, Buffer.from('being uploaded'), { limit: 100 })
  t.deepEqual(await found(patient), [])
  const orphan = await patient.blobs.put(patient.id, Buffer.from('orphan'), { limit: 100 })
  await patient.blobs.settle(patient.id, orphan.id)
  await mended(t, patient, [['blob-orphan']])
  const freed = await patient.space.spaces.freed(patient.id, Date.now() + 1000, 100)
  t.true(freed.includes(orphan.id))
  t.deepEqual(await found(patient), [])
})

test('a live blob among those let go or claimed is taken back', async (t) => {
  const patient = await (await Patient.make(t)).fill()
  const { blob } = await patient.write('live')
  const raw = Buffer.from(blob, 'hex')
  await redis.rpush(patient.key('f'), Buffer.concat([Buffer.alloc(6), raw]))
  await mended(t, patient, [['blob-freed', 'live']])
  await redis.hset(patient.key('x'), raw, '0')
  await mended(t, patient, [['blob-freed', 'live']])
  const freed = await patient.space.spaces.freed(patient.id, Date.now() + 1000, 100)
  t.false(freed.includes(blob))
})

test('a row missing from the journal is told', async (t) => {
  const patient = await (await Patient.make(t)).fill()
  await redis.xdel(patient.key('j'), '4-0')
  await told(t, patient, [['journal']])
  t.regex((await patient.check()).problems[0]?.detail ?? '', /no row 4; 5 comes next/)
})

test('a journal that ends too early, or of whose tombstones a piece is gone, is told', async (t) => {
  const patient = await (await Patient.make(t)).fill()
  const { seq } = (await patient.space.stat('')).mark
  await patient.space.spaces.reaped()
  const [chunk] = await redis.hkeys(patient.key('t'))
  const kept = (await redis.hgetBuffer(patient.key('t'), chunk as string)) as Buffer
  await redis.hdel(patient.key('t'), chunk as string)
  t.deepEqual(
    (await found(patient)).map(([kind]) => kind),
    ['reaping', 'journal'],
  )
  await redis.hset(patient.key('t'), chunk as string, kept)
  t.deepEqual(await found(patient), [])
  await redis.xdel(patient.key('j'), `${seq}-0`)
  await told(t, patient, [['journal'], ['record']])
})

test('a tree that is not what the journal says is told', async (t) => {
  const patient = await (await Patient.make(t)).fill()
  const root = patient.key('d:0')
  const raw = (await redis.hgetBuffer(root, 'empty')) as Buffer
  await redis.hdel(root, 'empty')
  await redis.hset(root, 'strange', raw)
  await redis.hset(patient.key('u'), raw.readUIntBE(1, 5), Buffer.from('\0\0\0\0\0strange'))
  await told(t, patient, [
    ['journal', 'strange'],
    ['journal', 'empty'],
  ])
})

test('what is no entry, is filed under a wrong name, or shares an id is told', async (t) => {
  const patient = await (await Patient.make(t)).fill()
  const root = patient.key('d:0')
  await redis.hset(root, 'broken', 'abc')
  await patient.edit('', 'empty', (raw) => raw.writeUIntBE(1, 1, 5))
  const kinds = (await found(patient)).filter(([kind]) => kind === 'entry').sort()
  t.deepEqual(kinds, [
    ['entry', 'broken', false],
    ['entry', 'empty', false],
  ])
})

test('children that no entry leads to are told, and their blobs are not let go', async (t) => {
  const patient = await (await Patient.make(t)).fill()
  await redis.hdel(patient.key('d:0'), 'moved')
  const kinds = new Set((await found(patient, { repair: true })).map(([kind]) => kind))
  t.true(kinds.has('lost-folder'))
  t.true(kinds.has('journal'))
  t.false(kinds.has('blob-orphan'))
})

test('a lost hash of children is told; its blobs stay for whoever restores it', async (t) => {
  const patient = await (await Patient.make(t)).fill()
  await patient.space.spaces.reaped()
  const freed = await redis.llen(patient.key('f'))
  await redis.del(patient.key(`d:${await patient.idOf('moved/here')}`))
  for (let run = 0; run < 2; run++) {
    const kinds = new Set((await found(patient, { repair: true })).map(([kind]) => kind))
    t.true(kinds.has('journal'))
  }
  t.is(await redis.llen(patient.key('f')), freed)
})

test('a range to reap that nothing is known of is forgotten, and what waits behind it is reaped', async (t) => {
  const patient = await (await Patient.make(t)).fill()
  await patient.space.spaces.reaped()
  await redis.zadd(patient.key('r'), 1, '1')
  await mended(t, patient, [['reaping']])
})

test('spaces and the directory are held against each other', async (t) => {
  const patient = await (await Patient.make(t)).fill()
  const gone = await tree.space()
  await gone.spaces.deleteSpace(gone.op.space)
  const registered = [
    { id: 'neverseen', name: 'never', state: 'ready' },
    { id: 'inthemaking', name: 'making', state: 'making' },
    { id: gone.op.space, name: 'dead', state: 'ready' },
  ]
  const directory = {
    async *allSpaces() {
      yield* registered
    },
  }
  const ids = [patient.id, ...registered.map(({ id }) => id)]
  const { problems } = await fsck({ redis, blobs: patient.blobs, directory }, { spaces: ids })
  t.deepEqual(
    problems.map(({ space, kind }) => [space, kind]),
    [
      [patient.id, 'space'],
      ['neverseen', 'space'],
      [gone.op.space, 'space'],
    ],
  )
})

test('without a list, all spaces that Redis holds are checked', async (t) => {
  const own = await testRedis()
  t.teardown(() => own.stop())
  const spaces = await TestTree.start(own)
  for (let i = 0; i < 5; i++) await (await spaces.space()).mkdir('a')
  const blobs = new LocalBlobStore(tempFolder(t), { durability: 'os' })
  await blobs.open()
  t.teardown(() => blobs.close())
  t.like((await fsck({ redis: await own.connect(), blobs })).counts, { spaces: 5, folders: 10, problems: 0 })
})

test('a space that is changing all the while raises no false alarm', async (t) => {
  const patient = await (await Patient.make(t)).fill()
  let stop = false
  const churn = async (worker: number) => {
    for (let i = 0; !stop; i++) {
      const top = `w${worker}`
      await patient.write(`${top}/a/b/f${i % 7}`)
      await patient.write(`${top}/x/g${i % 5}`)
      await patient.space.move(`${top}/a/b`, `${top}/x/b${i}`)
      await patient.space.move(`${top}/x/g${i % 5}`, `moved/${worker}-${i % 3}`)
      if (i % 3 === 0) await patient.space.remove(`${top}/x`, true)
    }
  }
  const workers = [0, 1, 2].map(churn)
  try {
    for (let run = 0; run < 5; run++) t.deepEqual((await patient.check()).problems, [])
  } finally {
    stop = true
    await Promise.all(workers)
  }
  t.deepEqual((await patient.check({ deep: true })).problems, [])
})
