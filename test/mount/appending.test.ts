import { constants } from 'node:fs'
import test from 'ava'
import type { FileSystem } from '../../mount/filesystem.js'
import { close, Scene } from './support/scene.js'
import { put, textOf, watchedServer } from './support/volumes.js'

/**
 * Bytes that are appended go to the end of the file. Of that the kernel can have an old opinion: where it forgets a file while a
 * look-up is answered, and then takes the size in that answer for the file's, though programs have written on meanwhile.
 */

const APPENDING = constants.O_WRONLY | constants.O_APPEND

let at: Awaited<ReturnType<typeof watchedServer>>
test.before(async () => {
  at = await watchedServer()
})
test.after.always(() => at.stop())

async function appendTo(fs: FileSystem, handle: number, text: string, offset: number): Promise<void> {
  await fs.write(handle, Buffer.from(text), offset, true)
}

test('the kernel takes the end to be where it was: nothing that was written since is lost', async (t) => {
  const { scene, fs } = await Scene.start(t, at, { write: 'through' })
  scene.letAll()
  const first = await fs.create('log', 0o644, APPENDING)
  await appendTo(fs, first, 'one,', 0)
  await appendTo(fs, first, 'two,', 4)
  const second = await fs.open('log', APPENDING)
  await appendTo(fs, second, 'three,', 4)
  await appendTo(fs, second, 'four', 10)
  await close(fs, first)
  await close(fs, second)
  t.is(await textOf(scene.volume, 'log'), 'one,two,three,four')
})

test('the same where the file was closed in between', async (t) => {
  const { scene, fs } = await Scene.start(t, at, { write: 'through' })
  scene.letAll()
  const handle = await fs.open('document', APPENDING)
  await appendTo(fs, handle, ' and after', 0)
  await close(fs, handle)
  t.is(await textOf(scene.volume, 'document'), 'before and after')
})

test('what is longer on the server than the kernel knows is appended to at its end', async (t) => {
  const { scene, fs } = await Scene.start(t, at, { write: 'through' })
  scene.letAll()
  await fs.getattr('document')
  await put(scene.volume, 'document', 'longer than before')
  const handle = await fs.open('document', APPENDING)
  await appendTo(fs, handle, '!', 'before'.length)
  await close(fs, handle)
  t.is(await textOf(scene.volume, 'document'), 'longer than before!')
})

test('each time the kernel is told that it has put bytes where they are not', async (t) => {
  const { scene, fs } = await Scene.start(t, at, { write: 'through' })
  scene.letAll()
  const handle = await fs.open('document', APPENDING)
  await fs.getattr('document')
  for (const [count, offset] of [2, 3].entries()) {
    await appendTo(fs, handle, '!', offset)
    await Promise.resolve()
    t.is(scene.forgotten.filter(({ name }) => name === 'document').length, count + 1)
  }
  await appendTo(fs, handle, '!', 'before!!'.length)
  await Promise.resolve()
  t.is(scene.forgotten.length, 2, 'and not where it was right')
  await close(fs, handle)
})

test('pages that a program has mapped go where they belong, by whichever handle they come', async (t) => {
  const { scene, fs } = await Scene.start(t, at, { write: 'through' })
  scene.letAll()
  const handle = await fs.open('document', constants.O_RDWR | constants.O_APPEND)
  await fs.write(handle, Buffer.from('BE'), 0, false)
  await appendTo(fs, handle, '!', 6)
  await close(fs, handle)
  t.is(await textOf(scene.volume, 'document'), 'BEfore!')
})
