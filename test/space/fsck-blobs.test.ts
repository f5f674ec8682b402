import { rmSync, truncateSync, writeFileSync } from 'node:fs'
import test from 'ava'
import type { Redis } from 'ioredis'
import { Engine } from '../../src/space/engine.js'
import { found, mended, openWard, Patient, told, type Ward } from './patient.js'

/** Damage between entries and blobs, and to what is kept beside entries. */

let ward: Ward
let redis: Redis
test.before(async () => {
  ward = await openWard()
  redis = ward.redis
})
test.after.always(() => ward.tree.stop())

test('a blob that copies use is counted as often as they do', async (t) => {
  const patient = await (await Patient.make(t, ward)).fill()
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
  const patient = await (await Patient.make(t, ward)).fill()
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
  const patient = await (await Patient.make(t, ward)).fill()
  await patient.space.spaces.reaped()
  const { id } = await patient.write('gone')
  await patient.space.remove('gone')
  await redis.hset(patient.key(`p:${id}`), '{urn:x}p', '<p xmlns="urn:x"/>')
  await mended(t, patient, [['properties']])
})

test('an entry without blob is told and stays', async (t) => {
  const patient = await (await Patient.make(t, ward)).fill()
  const { blob } = await patient.write('lost')
  rmSync(patient.file(blob))
  await told(t, patient, [['blob-missing', 'lost']])
  t.true((await patient.space.names()).includes('lost'))
})

test('a blob that is cut short is told, one whose bytes differ only when all is read', async (t) => {
  const patient = await (await Patient.make(t, ward)).fill()
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
  const patient = await (await Patient.make(t, ward)).fill()
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
  const patient = await (await Patient.make(t, ward)).fill()
  const { blob } = await patient.write('live')
  const raw = Buffer.from(blob, 'hex')
  await redis.rpush(patient.key('f'), Buffer.concat([Buffer.alloc(6), raw]))
  await mended(t, patient, [['blob-freed', 'live']])
  await redis.hset(patient.key('x'), raw, '0')
  await mended(t, patient, [['blob-freed', 'live']])
  const freed = await patient.space.spaces.freed(patient.id, Date.now() + 1000, 100)
  t.false(freed.includes(blob))
})
