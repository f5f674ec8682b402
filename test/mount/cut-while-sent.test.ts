import { constants } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import type { FileSystem } from '../../mount/filesystem.js'
import { close, type Held, release, Scene, texts, writeTo } from './support/scene.js'
import { namesIn, put, watchedServer } from './support/volumes.js'

/**
 * Somebody else has changed a file, so the version on its way becomes a conflict copy. What programs do by the file's name meanwhile
 * has to do with the other one, and the copy stays as it was closed.
 */

const CUT = constants.O_WRONLY | constants.O_TRUNC

let at: Awaited<ReturnType<typeof watchedServer>>
test.before(async () => {
  at = await watchedServer()
})
test.after.always(() => at.stop())

async function copyIn(fs: FileSystem): Promise<string> {
  const names = (await fs.readdir('/')).map(({ name }) => name)
  return names.find((name) => name.includes('conflict')) ?? ''
}

/** "document" is "theirs", and `copy`, of what was written here, is on its way. */
async function conflicting(
  t: ExecutionContext,
): Promise<{ readonly scene: Scene; readonly fs: FileSystem; readonly copy: Held }> {
  const { scene, fs } = await Scene.start(t, at)
  await close(fs, await writeTo(fs, 'document', 'mine'))
  await put(scene.volume, 'document', 'theirs')
  release(await scene.nth(1))
  return { scene, fs, copy: await scene.nth(2) }
}

/** What "document", whose version is sent as a conflict copy, is when `use` has been called before that has arrived. */
const whileSent = (use: (fs: FileSystem) => Promise<void>) => async (t: ExecutionContext) => {
  const { scene, fs } = await Scene.start(t, at)
  await close(fs, await writeTo(fs, 'document', 'mine'))
  await put(scene.volume, 'document', 'theirs')
  const first = await scene.nth(1)
  const used = use(fs)
  release(first)
  release(await scene.nth(2))
  scene.letAll()
  await used
  const seen = (await fs.readdir('/')).map(({ name }) => name)
  await scene.end()
  const names = await namesIn(scene.volume)
  t.deepEqual(seen.sort(), [...names].sort())
  return { found: (await texts(scene.volume)).sort(), names }
}

test('opened to be replaced: the other one is', async (t) => {
  const { found, names } = await whileSent(async (fs) => {
    const handle = await fs.open('document', CUT)
    await fs.write(handle, Buffer.from('newer'), 0)
    await close(fs, handle)
  })(t)
  t.deepEqual(found, ['before', 'mine', 'newer'])
  t.is(names.length, 3)
})

test('made anew: the other one is', async (t) => {
  const { found } = await whileSent(async (fs) => close(fs, await writeTo(fs, 'document', 'newer')))(t)
  t.deepEqual(found, ['before', 'mine', 'newer'])
})

test('cut by its name: the other one is', async (t) => {
  const { found } = await whileSent((fs) => Promise.resolve(fs.truncate('document', 2)))(t)
  t.deepEqual(found, ['before', 'mine', 'th'])
})

test('cut to nothing by its name: the other one is', async (t) => {
  const { found } = await whileSent((fs) => Promise.resolve(fs.truncate('document', 0)))(t)
  t.deepEqual(found, ['', 'before', 'mine'])
})

test('replaced by a rename: the other one is, and the copy can be written to', async (t) => {
  const { found, names } = await whileSent(async (fs) => {
    await fs.rename('other', 'document')
    await close(fs, await writeTo(fs, await copyIn(fs), 'newer'))
  })(t)
  t.deepEqual(found, ['before', 'newer'])
  t.false(names.includes('other'))
})

test('the copy, when it is opened to be replaced, is not sent before that is closed', async (t) => {
  const { scene, fs, copy } = await conflicting(t)
  const opening = fs.open(await copyIn(fs), CUT)
  release(copy)
  const handle = await opening
  await pause(100)
  t.is(scene.writes.length, 2)
  t.deepEqual((await texts(scene.volume)).sort(), ['before', 'mine', 'theirs'])
  const left = scene.left()
  await fs.write(handle, Buffer.from('newer'), 0)
  const closing = close(fs, handle)
  release(await scene.nth(3))
  await closing
  await scene.end()
  t.deepEqual((await texts(scene.volume)).sort(), ['before', 'newer', 'theirs'])
  // Killed while it was open, nothing was left to be sent.
  await scene.afterKill(left)
  t.deepEqual((await texts(scene.volume)).sort(), ['before', 'newer', 'theirs'])
})
