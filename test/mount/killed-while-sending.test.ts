import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { intentLogOf, workFolderOf } from '../../mount/engine/leftovers.js'
import { close, release, Scene, writeTo, writtenWhileSent } from './support/scene.js'
import { namesIn, textOf, watchedServer } from './support/volumes.js'

/**
 * Writing back, and killed while a file is on its way that was closed anew meanwhile: the next mount knows both versions for its
 * own. What is in the cache folder at a moment is what a kill -9 at that moment leaves.
 */

let at: Awaited<ReturnType<typeof watchedServer>>
test.before(async () => {
  at = await watchedServer()
})
test.after.always(() => at.stop())

async function isSecond(t: ExecutionContext, { volume }: Scene): Promise<void> {
  t.deepEqual(await namesIn(volume), ['document', 'other'])
  t.is(await textOf(volume, 'document'), 'second')
}

test('what was closed while an older version of it was on its way replaces that', async (t) => {
  const { scene, fs, handle } = await writtenWhileSent(t, at)
  await close(fs, handle)
  await scene.afterKill()
  await isSecond(t, scene)
})

test('what was closed while an older version of it was on its way, and waits to be sent, replaces that', async (t) => {
  const { scene, fs, handle, first } = await writtenWhileSent(t, at)
  await close(fs, handle)
  first.answer()
  await scene.nth(3)
  await scene.afterKill()
  await isSecond(t, scene)
})

test('what was not closed when its older version arrived is not there', async (t) => {
  const { scene } = await writtenWhileSent(t, at)
  await scene.afterKill()
  t.deepEqual(await namesIn(scene.volume), ['document', 'other'])
  t.is(await textOf(scene.volume, 'document'), 'first')
})

test('what was closed while an older version of it was on its way, and renamed then, has its new name', async (t) => {
  const { scene, fs, handle, first } = await writtenWhileSent(t, at, 'temporary')
  await close(fs, handle)
  await fs.getattr('document')
  const renamed = fs.rename('temporary', 'document')
  // All names are known: now the rename waits for nothing but that answer.
  await setImmediate()
  first.answer()
  await renamed
  await scene.afterKill()
  await isSecond(t, scene)
})

test('killed in the middle of renaming one unsent version onto another, the renamed one is there', async (t) => {
  const { scene, fs } = await Scene.start(t, at)
  await close(fs, await writeTo(fs, 'other', 'new'))
  await close(fs, await writeTo(fs, 'document', 'first'))
  await close(fs, await writeTo(fs, 'temporary', 'second'))
  const left = scene.left()
  await fs.rename('temporary', 'document')
  const renamed = readFileSync(intentLogOf(scene.cacheDir), 'utf8').split('\n')
  // All but the line that says that the replaced version is not wanted any more.
  t.regex(renamed.at(-2) ?? '', /^\{"done":/)
  writeFileSync(intentLogOf(left), renamed.slice(0, -2).join('\n'))
  release(await scene.nth(1))
  await scene.afterKill(left)
  await isSecond(t, scene)
  t.deepEqual(readdirSync(workFolderOf(left)), [])
})
