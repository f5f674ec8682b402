import { constants, readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { intentLogOf } from '../../mount/engine/leftovers.js'
import type { FileSystem, FileSystemError } from '../../mount/filesystem.js'
import { SpaceError } from '../../src/space/errors.js'
import { close, gate, Scene, texts, waiting, writeTo, writtenWhileSent } from './support/scene.js'
import { namesIn, put, textOf, until, watchedServer } from './support/volumes.js'

/** What a mount that writes back has acknowledged and not sent: no kill, and nothing that programs do beside it, makes it go, or come back. */

let at: Awaited<ReturnType<typeof watchedServer>>
test.before(async () => {
  at = await watchedServer()
})
test.after.always(() => at.stop())

for (const [what, use] of [
  [
    'read',
    async (fs: FileSystem, handle: number) => {
      const buffer = Buffer.alloc(10)
      return buffer.toString('utf8', 0, await fs.read(handle, buffer, 0))
    },
  ],
  [
    'written to',
    async (fs: FileSystem, handle: number) => {
      await fs.write(handle, Buffer.from('B'), 0)
      const buffer = Buffer.alloc(10)
      return buffer.toString('utf8', 0, await fs.read(handle, buffer, 0)).replace('B', 'b')
    },
  ],
] as const) {
  test(`what is replaced by a file that the server has not heard of is ${what} by who has it open`, async (t) => {
    const { scene, fs } = await Scene.start(t, at)
    const handle = await fs.open('document', constants.O_RDWR)
    await close(fs, await writeTo(fs, 'temporary', 'after'))
    await fs.rename('temporary', 'document')
    scene.letAll()
    await until(async () => (await texts(scene.volume)).includes('after'))
    t.is(await use(fs, handle), 'before')
    await close(fs, handle)
    await scene.end()
    t.deepEqual(await texts(scene.volume), ['after', 'before'])
  })
}

test('what one program has written while another waits for the bytes that were there is kept', async (t) => {
  const mayRead = gate()
  const asked = gate()
  const { scene, fs } = await Scene.start(t, at, {
    methods: (volume) => ({
      read: async (...args) => {
        asked.open()
        await mayRead.passed
        return volume.read(...args)
      },
    }),
  })
  await close(fs, await writeTo(fs, 'other', 'new'))
  const slow = await fs.open('document', constants.O_WRONLY)
  const written = fs.write(slow, Buffer.from('!'), 6)
  await asked.passed
  await close(fs, await writeTo(fs, 'document', 'second'))
  mayRead.open()
  await written
  await close(fs, slow)
  await scene.end()
  t.is(await textOf(scene.volume, 'document'), 'second!')
})

for (const [what, change] of [
  ['cut while somebody reads it', (fs: FileSystem) => fs.truncate('document', 2)],
  [
    'written by a mapping after its close',
    async (fs: FileSystem, handle: number) => {
      await fs.write(handle, Buffer.from('la'), 0)
      await fs.truncate('document', 2, handle)
    },
  ],
] as const) {
  test(`what is ${what}, before its older version was sent, is sent`, async (t) => {
    const { scene, fs } = await Scene.start(t, at)
    await close(fs, await writeTo(fs, 'other', 'new'))
    const handle = await writeTo(fs, 'document', 'last')
    await fs.flush(handle)
    await change(fs, handle)
    await fs.release(handle)
    await scene.afterKill()
    t.is(await textOf(scene.volume, 'document'), 'la')
  })
}

test('a file that is cut by its name is safe, whoever has it open', async (t) => {
  const { scene, fs } = await Scene.start(t, at)
  const reader = await fs.open('document', constants.O_RDONLY)
  await fs.truncate('document', 2)
  await scene.afterKill()
  t.is(await textOf(scene.volume, 'document'), 'be')
  await fs.release(reader)
})

/** `temporary` has arrived, and the mount has heard only that the server is away. */
async function arrivedUnheard(t: ExecutionContext) {
  const { scene, fs } = await Scene.start(t, at)
  await close(fs, await writeTo(fs, 'temporary', 'first'))
  const first = await scene.nth(1)
  first.send()
  await first.arrived
  first.lose()
  return { scene, fs }
}

test('what arrived unheard and is unlinked is gone', async (t) => {
  const { scene, fs } = await arrivedUnheard(t)
  await fs.unlink('temporary')
  await scene.end()
  t.deepEqual(await namesIn(scene.volume), ['document', 'other'])
})

test('what arrived unheard and is renamed is there once', async (t) => {
  const { scene, fs } = await arrivedUnheard(t)
  await fs.rename('temporary', 'document')
  await scene.end()
  t.deepEqual(await namesIn(scene.volume), ['document', 'other'])
  t.is(await textOf(scene.volume, 'document'), 'first')
})

test('a closed version is not lost to an open one that is renamed onto it', async (t) => {
  const { scene, fs } = await waiting(t, at)
  await writeTo(fs, 'temporary', 'newest')
  await fs.rename('temporary', 'document')
  await scene.afterKill()
  t.is(await textOf(scene.volume, 'document'), 'newest')
})

test('written through: what an earlier mount left is safe until something newer is', async (t) => {
  const { scene, fs } = await waiting(t, at)
  const left = scene.left()
  await fs.getattr('document')
  const away = scene.lasting({
    write: async () => {
      throw new SpaceError('UNAVAILABLE', 'The server is away.')
    },
  })
  const through = await scene.mount(left, { write: 'through', volume: away })
  const handle = await writeTo(through, 'document', 'newer')
  await t.throwsAsync(async () => through.flush(handle))
  await through.release(handle)
  await scene.afterKill(scene.left(left))
  t.regex(await textOf(scene.volume, 'document'), /^(mine|newer)$/)
  await through.close()
})

test('written through: what an earlier mount left and is renamed has its new name', async (t) => {
  const { scene, fs } = await Scene.start(t, at)
  await close(fs, await writeTo(fs, 'other', 'new'))
  await close(fs, await writeTo(fs, 'temporary', 'mine'))
  const left = scene.left()
  const held = gate()
  const away = scene.lasting({
    write: async () => {
      await held.passed
      throw new SpaceError('UNAVAILABLE', 'The server is away.')
    },
  })
  const through = await scene.mount(left, { write: 'through', volume: away })
  await through.rename('temporary', 'renamed')
  await scene.afterKill(scene.left(left))
  t.deepEqual(await namesIn(scene.volume), ['document', 'other', 'renamed'])
  held.open()
  await through.close()
})

test('what there was no room for is sent when there is', async (t) => {
  let isFull = true
  const keys: string[] = []
  const { scene, fs } = await Scene.start(t, at, {
    methods: (volume) => ({
      write: async (where, body, options) => {
        keys.push(options.key)
        if (isFull) throw new SpaceError('SPACE_FULL', 'The space is full.')
        return volume.write(where, body, options)
      },
    }),
  })
  await close(fs, await writeTo(fs, 'a', 'x'))
  await until(() => keys.length === 1)
  isFull = false
  await until(() => keys.length === 2)
  await scene.end()
  t.not(keys[0], keys[1], 'under one key the server gives one answer, for an hour')
  t.is(await textOf(scene.volume, 'a'), 'x')
})

test('what is refused holds nothing up', async (t) => {
  const { scene, fs } = await Scene.start(t, at, {
    methods: (volume) => ({
      write: async (where, body, options) => {
        if (where.path === 'document') throw new SpaceError('LOCKED', 'It is locked.')
        return volume.write(where, body, options)
      },
    }),
  })
  await close(fs, await writeTo(fs, 'document', 'mine'))
  const other = await writeTo(fs, 'other', 'new')
  await fs.flush(other)
  await fs.fsync(other)
  await fs.release(other)
  t.is(await textOf(scene.volume, 'other'), 'new')
  await close(fs, await writeTo(fs, 'third', 'new'))
  await scene.end()
  t.is(await textOf(scene.volume, 'third'), 'new', 'sent before the end')
})

test('whoever waits for a file behind others hears that the server is away', async (t) => {
  const { fs } = await Scene.start(t, at, {
    methods: () => ({
      write: async () => {
        throw new SpaceError('UNAVAILABLE', 'The server is away.')
      },
    }),
  })
  await close(fs, await writeTo(fs, 'document', 'mine'))
  const handle = await writeTo(fs, 'other', 'mine')
  const error = await t.throwsAsync<FileSystemError>(async () => fs.fsync(handle))
  t.is(error?.errno, 'EHOSTDOWN')
  await fs.release(handle)
})

test('whichever of two closes of one file is answered first, it is safe then', async (t) => {
  const { scene, fs, handle } = await writtenWhileSent(t, at)
  // A child process has it open, too.
  const closes = [fs.flush(handle), fs.flush(handle)]
  await closes[1]
  await scene.afterKill()
  t.is(await textOf(scene.volume, 'document'), 'second')
  await closes[0]
  await fs.release(handle)
})

test('nothing is sent before all that an earlier mount left has been put back', async (t) => {
  const { scene, fs } = await Scene.start(t, at)
  // It keeps all others from being sent here; the next mount knows nothing of it.
  await close(fs, await writeTo(fs, 'other', 'new'))
  await close(fs, await writeTo(fs, 'document', 'first'))
  await close(fs, await writeTo(fs, 'between', 'x'))
  await close(fs, await writeTo(fs, 'temporary', 'second'))
  const left = scene.left()
  await fs.rename('temporary', 'document')
  const lines = readFileSync(intentLogOf(scene.cacheDir), 'utf8').split('\n')
  // All but the line that says that the replaced version is not wanted any more.
  t.regex(lines.at(-2) ?? '', /^\{"done":/)
  writeFileSync(
    intentLogOf(left),
    lines
      .slice(0, -2)
      .filter((line) => !line.includes('"other"'))
      .join('\n'),
  )
  const begun = gate()
  let count = 0
  const volume = scene.lasting({
    stat: async (where) => {
      if (where.path === 'between') await Promise.race([begun.passed, pause(200)])
      return scene.volume.stat(where)
    },
    write: async (...args) => {
      count += 1
      begun.open()
      const written = await scene.volume.write(...args)
      if (count === 1) await pause(200)
      return written
    },
  })
  await (await scene.mount(left, { volume })).close()
  t.is(await textOf(scene.volume, 'document'), 'second')
})

test('what was opened to be replaced, and by no program in the end, is as it was', async (t) => {
  const { scene, fs } = await waiting(t, at)
  await put(scene.volume, 'third', 'before')
  await fs.release(await fs.open('third', constants.O_WRONLY | constants.O_TRUNC))
  await fs.release(await fs.open('document', constants.O_WRONLY | constants.O_TRUNC))
  t.is((await fs.getattr('third')).size, 6)
  await scene.end()
  t.deepEqual(await texts(scene.volume), ['mine', 'new', 'before'])
})
