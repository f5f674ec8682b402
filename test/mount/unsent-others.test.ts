import { constants } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import test from 'ava'
import { unsentBelow } from '../../mount/engine/leftovers.js'
import type { FileSystem } from '../../mount/filesystem.js'
import type { Volume } from '../../mount/volume.js'
import { close, gate, release, Scene, texts, waiting, writeTo } from './support/scene.js'
import { at as addressOf, key, namesIn, put, textOf, until, watchedServer } from './support/volumes.js'

/** What a mount that writes back has acknowledged and not sent, and what others do to its name meanwhile. */

let at: Awaited<ReturnType<typeof watchedServer>>
test.before(async () => {
  at = await watchedServer()
})
test.after.always(() => at.stop())

/** The journal is followed as in a real mount. */
const following = {
  methods: (volume: Volume) => ({
    follow: (...args: Parameters<Volume['follow']>) => volume.follow(...args),
  }),
}

/** All rows until now have come to the mount. */
async function caughtUp(fs: FileSystem, { volume }: Scene): Promise<void> {
  await fs.readdir('/')
  await put(volume, 'marker')
  await until(async () => (await fs.readdir('/')).some(({ name }) => name === 'marker'))
  await volume.remove(addressOf('marker'), key())
}

test('unsent, and moved to where nobody has looked here by somebody else', async (t) => {
  const { scene, fs } = await waiting(t, at, following)
  await scene.volume.mkdir(addressOf('folder'), key())
  const { item } = await scene.volume.mkdir(addressOf('folder/deep'), key())
  await caughtUp(fs, scene)
  await scene.volume.move(addressOf('document'), addressOf('moved', item.id), key())
  await caughtUp(fs, scene)
  await scene.end()
  t.is(await textOf(scene.volume, 'document'), 'mine')
})

test('unsent, and replaced by a folder by somebody else', async (t) => {
  const { scene, fs } = await waiting(t, at, following)
  await caughtUp(fs, scene)
  await scene.volume.remove(addressOf('document'), key())
  await scene.volume.mkdir(addressOf('document'), key())
  await caughtUp(fs, scene)
  const attributes = await fs.getattr('document')
  t.is(attributes.kind, 'file')
  await scene.end()
  t.true((await texts(scene.volume)).includes('mine'), (await namesIn(scene.volume)).join())
})

test('unsent, and not in a listing that is ahead of the journal', async (t) => {
  const { scene, fs } = await waiting(t, at)
  await scene.volume.remove(addressOf('document'), key())
  t.deepEqual((await fs.readdir('/')).map(({ name }) => name).sort(), ['document', 'other'])
  await scene.end()
  t.is(await textOf(scene.volume, 'document'), 'mine')
})

test('unsent, and another one in a listing that is ahead of the journal', async (t) => {
  const { scene, fs } = await waiting(t, at)
  await scene.volume.remove(addressOf('document'), key())
  await put(scene.volume, 'document', 'theirs')
  await fs.readdir('/')
  await scene.end()
  t.deepEqual((await texts(scene.volume)).sort(), ['mine', 'new', 'theirs'])
})

test('unsent, and a folder in a listing that is ahead of the journal', async (t) => {
  const { scene, fs } = await waiting(t, at)
  await scene.volume.remove(addressOf('document'), key())
  await scene.volume.mkdir(addressOf('document'), key())
  await fs.readdir('/')
  await scene.end()
  t.true((await texts(scene.volume)).includes('mine'), (await namesIn(scene.volume)).join())
})

test('what others have removed, was renamed onto another one, and is unlinked before it was sent, is gone', async (t) => {
  const { scene, fs } = await Scene.start(t, at, following)
  await caughtUp(fs, scene)
  await put(scene.volume, 'temporary', 'before')
  await caughtUp(fs, scene)
  await close(fs, await writeTo(fs, 'other', 'new'))
  await fs.getattr('temporary')
  await close(fs, await writeTo(fs, 'temporary', 'mine'))
  await scene.volume.remove(addressOf('temporary'), key())
  await caughtUp(fs, scene)
  await fs.rename('temporary', 'document')
  await fs.unlink('document')
  await scene.end()
  t.deepEqual(await namesIn(scene.volume), ['other'])
})

test('unsent, and moved by somebody else: killed then, it is only where it was moved to', async (t) => {
  const { scene, fs } = await waiting(t, at, following)
  const { item } = await scene.volume.mkdir(addressOf('folder'), key())
  await caughtUp(fs, scene)
  await scene.volume.move(addressOf('document'), addressOf('moved', item.id), key())
  await caughtUp(fs, scene)
  await scene.afterKill()
  t.deepEqual(await namesIn(scene.volume), ['folder', 'other'])
  t.is(await textOf(scene.volume, 'folder/moved'), 'mine')
})

test('killed while what was in a folder that has gone was on its way: it is there once', async (t) => {
  const { scene, fs } = await Scene.start(t, at)
  await close(fs, await writeTo(fs, 'other', 'new'))
  const { item } = await scene.volume.mkdir(addressOf('folder'), key())
  await close(fs, await writeTo(fs, 'folder/file', 'mine'))
  const left = scene.left()
  await scene.volume.remove({ base: item.id, path: '' }, key())
  const [arrived, held] = [gate(), gate()]
  const volume = scene.lasting({
    write: async (...args) => {
      const written = await scene.volume.write(...args)
      if (args[0].path === 'other') return written
      arrived.open()
      await held.passed
      return written
    },
  })
  const second = await scene.mount(left, { volume })
  await arrived.passed
  const again = scene.left(left)
  // Its name has the second in it.
  await pause(1100)
  await scene.afterKill(again)
  t.deepEqual(unsentBelow(again), [])
  held.open()
  await second.close()
  t.deepEqual((await texts(scene.volume)).sort(), ['before', 'mine', 'new'])
})

test('bytes are kept under their own version only', async (t) => {
  const { scene, fs } = await Scene.start(t, at, following)
  await fs.readdir('/')
  await close(fs, await writeTo(fs, 'document', 'ours 1'))
  const first = await scene.nth(1)
  first.send()
  await first.arrived
  await put(scene.volume, 'document', 'theirs')
  await caughtUp(fs, scene)
  const { size } = await fs.getattr('document')
  t.is(size, 6)
  first.answer()
  await pause(100)
  const handle = await fs.open('document', constants.O_RDONLY)
  const buffer = Buffer.alloc(10)
  const read = await fs.read(handle, buffer, 0)
  await fs.release(handle)
  t.is(buffer.toString('utf8', 0, read), 'theirs')
})

test('killed while its conflict copy was on its way: there is one', async (t) => {
  const { scene, fs } = await Scene.start(t, at)
  await close(fs, await writeTo(fs, 'document', 'mine'))
  await put(scene.volume, 'document', 'theirs')
  release(await scene.nth(1))
  const copy = await scene.nth(2)
  copy.send()
  await copy.arrived
  const left = scene.left()
  // Its name has the second in it.
  await pause(1100)
  await scene.afterKill(left)
  t.deepEqual((await texts(scene.volume)).sort(), ['before', 'mine', 'theirs'])
})

test('sent while it is opened to be cut, by no program in the end, and removed by somebody else: it is there', async (t) => {
  const { scene, fs } = await waiting(t, at)
  const handle = await fs.open('document', constants.O_WRONLY | constants.O_TRUNC)
  release(await scene.nth(1))
  const sending = await scene.nth(2)
  await fs.release(handle)
  await scene.volume.remove(addressOf('document'), key())
  release(sending)
  const again = await scene.nth(3)
  const left = scene.left()
  release(again)
  await scene.end()
  t.deepEqual(await texts(scene.volume), ['mine', 'new'])
  await scene.volume.remove(addressOf('document'), key())
  await scene.afterKill(left)
  t.deepEqual(await texts(scene.volume), ['mine', 'new'], 'and it was safe all the time')
})
