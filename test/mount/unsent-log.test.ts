import { appendFileSync, closeSync, fstatSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { IntentLog } from '../../mount/engine/intents.js'
import { intentLogOf } from '../../mount/engine/leftovers.js'
import { SpaceError } from '../../src/space/errors.js'
import { tempFolder } from '../support/folder.js'
import { close, gate, Scene, waiting, writeTo } from './support/scene.js'
import { namesIn, textOf, watchedServer } from './support/volumes.js'

/** The log of what is to be sent says all that is, and nothing that is not. */

let at: Awaited<ReturnType<typeof watchedServer>>
test.before(async () => {
  at = await watchedServer()
})
test.after.always(() => at.stop())

const LONG = 256 * 1024

test('the log is kept until all that it says is done', (t) => {
  const path = join(tempFolder(t), 'intents.log')
  const intent = {
    base: 0,
    name: 'a',
    path: 'a',
    work: 'w',
    key: 'k',
    modified: 0,
    barrier: true,
    attempts: [],
  }
  const first = new IntentLog(path)
  const numbers = [first.record(intent), first.record(intent)]
  first.close()
  appendFileSync(path, '\n'.repeat(LONG))
  const leftovers = IntentLog.read(path)
  const log = new IntentLog(path, leftovers)
  log.done(numbers[0] ?? 0)
  log.close()
  t.deepEqual(IntentLog.read(path), leftovers.slice(1))
})

test('a torn line takes none with it', async (t) => {
  const { scene } = await Scene.start(t, at)
  const left = scene.left()
  writeFileSync(intentLogOf(left), '{"put":{"n":1,"ba')
  const { send, arrived } = { send: gate(), arrived: gate() }
  const fs = await scene.mount(left, {
    volume: scene.lasting({
      write: async () => {
        arrived.open()
        await send.passed
        throw new SpaceError('UNAVAILABLE', 'The server is away.')
      },
    }),
  })
  await close(fs, await writeTo(fs, 'a', 'one'))
  await arrived.passed
  t.regex(readFileSync(intentLogOf(left), 'utf8'), /"a"/)
  await scene.afterKill(scene.left(left))
  t.is(await textOf(scene.volume, 'a'), 'one')
  send.open()
  await fs.close()
})

test('a log that is closed writes no more, whichever file has its descriptor by now', (t) => {
  const folder = tempFolder(t)
  const log = new IntentLog(join(folder, 'intents.log'))
  log.close()
  const fd = openSync(join(folder, 'another'), 'w')
  log.done(1)
  log.attempted(1, '')
  log.close()
  t.is(fstatSync(fd).size, 0)
  closeSync(fd)
})

test('killed in the middle of writing down a rename, the file is there once', async (t) => {
  const { scene, fs } = await waiting(t, at)
  await close(fs, await writeTo(fs, 'temporary', 'mine'))
  await fs.rename('temporary', 'renamed')
  const left = scene.left()
  const lines = readFileSync(intentLogOf(left), 'utf8').trimEnd().split('\n')
  const last = lines.findLastIndex((line) => line.includes('"renamed"'))
  writeFileSync(intentLogOf(left), lines.slice(0, last + 1).join('\n'))
  await scene.afterKill(left)
  t.deepEqual(await namesIn(scene.volume), ['document', 'other', 'renamed'])
})
