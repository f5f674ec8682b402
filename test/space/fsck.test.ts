import test from 'ava'
import type { Redis } from 'ioredis'
import { LocalBlobStore } from '../../src/blobs/local/store.js'
import { fsck } from '../../src/space/fsck.js'
import { tempFolder } from '../support/folder.js'
import { testRedis } from '../support/redis.js'
import { at, TestTree } from '../support/space.js'
import { found, mended, openWard, Patient, some, told, type Ward } from './patient.js'

/** Each kind of damage is done by hand, must be found, and is mended where that is safe. Blobs: fsck-blobs.test.ts. */

let ward: Ward
let redis: Redis
test.before(async () => {
  ward = await openWard()
  redis = ward.redis
})
test.after.always(() => ward.tree.stop())

test('a healthy space is clean, and counted', async (t) => {
  const patient = await (await Patient.make(t, ward)).fill()
  const { problems, counts } = await patient.check({ deep: true })
  t.deepEqual(problems, [])
  t.like(counts, { spaces: 1, problems: 0, folders: 8, files: 4, unsettled: 0 })
  t.is(counts.journalRows, (await patient.space.journal()).length)
})

test('totals of a folder and of the space are told where they are wrong, and only there', async (t) => {
  const patient = await (await Patient.make(t, ward)).fill()
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
  const patient = await (await Patient.make(t, ward)).fill()
  await patient.edit('', 'moved', (raw) => {
    raw[38] = 1
    raw.writeUInt16BE(2, 39)
    raw.writeUIntBE(0, 24, 6)
  })
  const bounds = ['bounds', 'Moved'] as const
  await mended(t, patient, [bounds, bounds, bounds])
})

test('a folder’s wrong or missing way up is put right, one of no folder removed', async (t) => {
  const patient = await (await Patient.make(t, ward)).fill()
  const here = await patient.idOf('moved/here')
  await redis.hset(patient.key('u'), String(here), Buffer.from([0, 0, 0, 0, 0, 0x78]))
  await redis.hdel(patient.key('u'), String(await patient.idOf('moved/here/c')))
  await redis.hset(patient.key('u'), '3000', Buffer.from([0, 0, 0, 0, 0, 0x78]))
  await mended(t, patient, [['way-up', 'Moved/here'], ['way-up', 'Moved/here/c'], ['way-up']])
})

for (const [name, folder] of Object.entries({ 'the root': '', 'a folder': 'big' })) {
  test(`the index of ${name} names what the folder holds`, async (t) => {
    const patient = await Patient.make(t, ward)
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
  const patient = await Patient.make(t, ward)
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

test('the number of locks is as the space says', async (t) => {
  const patient = await (await Patient.make(t, ward)).fill()
  const lock = { token: 'urn:t', scope: 'exclusive', depth: 0, owner: '', timeoutMs: 60_000 } as const
  await patient.space.spaces.lock(patient.space.op, at('empty'), lock)
  t.deepEqual(await found(patient), [])
  await redis.hset(patient.key('s'), 'locks', 0)
  await mended(t, patient, [['record']])
})

test('the next id is above all ids', async (t) => {
  const patient = await (await Patient.make(t, ward)).fill()
  await redis.hset(patient.key('s'), 'next', 3)
  await mended(t, patient, [['record']])
  await patient.write('new')
  t.deepEqual(await found(patient), [])
})

test('a row missing from the journal is told', async (t) => {
  const patient = await (await Patient.make(t, ward)).fill()
  await redis.xdel(patient.key('j'), '4-0')
  await told(t, patient, [['journal']])
  t.regex((await patient.check()).problems[0]?.detail ?? '', /no row 4; 5 comes next/)
})

test('a journal that ends too early, or of whose tombstones a piece is gone, is told', async (t) => {
  const patient = await (await Patient.make(t, ward)).fill()
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
  const patient = await (await Patient.make(t, ward)).fill()
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
  const patient = await (await Patient.make(t, ward)).fill()
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
  const patient = await (await Patient.make(t, ward)).fill()
  await redis.hdel(patient.key('d:0'), 'moved')
  const kinds = new Set((await found(patient, { repair: true })).map(([kind]) => kind))
  t.true(kinds.has('lost-folder'))
  t.true(kinds.has('journal'))
  t.false(kinds.has('blob-orphan'))
})

test('a lost hash of children is told; its blobs stay for whoever restores it', async (t) => {
  const patient = await (await Patient.make(t, ward)).fill()
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
  const patient = await (await Patient.make(t, ward)).fill()
  await patient.space.spaces.reaped()
  await redis.zadd(patient.key('r'), 1, '1')
  await mended(t, patient, [['reaping']])
})

test('spaces and the directory are held against each other', async (t) => {
  const patient = await (await Patient.make(t, ward)).fill()
  const gone = await ward.tree.space()
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
  const patient = await (await Patient.make(t, ward)).fill()
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
