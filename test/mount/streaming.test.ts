import { createHash, randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import { openDirectVolume } from '../../mount/direct.js'
import { openFileSystem } from '../../mount/engine/index.js'
import { type FileSystem, FileSystemError } from '../../mount/filesystem.js'
import { openRemoteVolume } from '../../mount/remote/volume.js'
import type { Volume, WriteOptions } from '../../mount/volume.js'
import { silentLog } from '../../src/log.js'
import { SpaceError } from '../../src/space/errors.js'
import type { Watcher } from '../../src/space/watcher.js'
import { tempFolder } from '../support/folder.js'
import { overriding } from '../support/overriding.js'
import { pendingBlobs, type TestServer } from '../support/server.js'
import { at, type Mounted, namesIn, newSpace, put, until, watchedServer } from './support/volumes.js'

/** A large file goes to the server while it is still written, and is one version there, as if it had been sent at its close. */

const MB = 1024 * 1024
const KERNEL_WRITE = 128 * 1024
const MOMENT = Date.parse('2021-03-04T05:06:07.089Z')

let server: TestServer
let watcher: Watcher
let stop: () => Promise<void>
test.before(async () => {
  ;({ server, watcher, stop } = await watchedServer())
})
test.after.always(() => stop())

interface Scene extends Mounted {
  readonly fs: FileSystem
  /** What the mount has asked the volume to write. */
  readonly writes: { readonly size: number | undefined; readonly options: WriteOptions }[]
  /** The next so many writes of the mount arrive, and their answers do not. */
  loseAnswers(count: number): void
  /** The mount's next setting of times or mode fails. */
  failAttributes(): void
}

type Reach = (space: Awaited<ReturnType<typeof newSpace>>) => Promise<Volume>

const WAYS: Readonly<Record<string, Reach>> = {
  'over HTTP': ({ owner, space }) =>
    openRemoteVolume({ server: server.url, token: owner.token, space, patience: { retryMs: 0 } }),
  'on the tree': ({ owner, space }) => {
    const { spaces: tree, blobs, directory } = server
    return openDirectVolume({
      tree,
      blobs,
      directory,
      watcher,
      log: silentLog,
      owner: owner.account.name,
      space,
    })
  },
}

async function scene(t: ExecutionContext, reach: Reach): Promise<Scene> {
  const made = await newSpace(server)
  const volume = await reach(made)
  const writes: Scene['writes'] = []
  let losing = 0
  let isFailing = false
  const observed = overriding(volume, {
    async write(place, body, options) {
      writes.push({ size: body.size, options })
      const isLost = losing-- > 0
      const changed = await volume.write(place, body, options)
      if (isLost) throw new SpaceError('UNAVAILABLE', 'The answer was lost.')
      return changed
    },
    async setAttributes(place, attributes, options) {
      const fails = isFailing
      isFailing = false
      if (fails) throw new SpaceError('UNAVAILABLE', 'The server is away.')
      return volume.setAttributes(place, attributes, options)
    },
  })
  const fs = await opened(observed, tempFolder(t), 'through')
  t.teardown(() => fs.close())
  return {
    ...made,
    ...{ fs, volume, writes },
    loseAnswers: (count) => {
      losing = count
    },
    failAttributes: () => {
      isFailing = true
    },
  }
}

async function opened(volume: Volume, cacheDir: string, write: 'through' | 'back'): Promise<FileSystem> {
  const { fs } = await openFileSystem(volume, {
    ...{ cacheDir, write, cacheBytes: 1e9, readOnly: false, host: 'test' },
    ...{ log: silentLog, invalidate: () => undefined },
  })
  return fs
}

/** Makes a file of these bytes as the kernel does, and leaves it open. */
async function begun({ fs, writes }: Scene, path: string, bytes: Buffer, flags = 0): Promise<number> {
  const before = writes.length
  const handle = await fs.create(path, 0o644, constants.O_RDWR | constants.O_CREAT | flags)
  await append(fs, handle, bytes, 0)
  await until(() => writes.length > before)
  return handle
}

async function append(fs: FileSystem, handle: number, bytes: Buffer, from: number): Promise<void> {
  for (let done = 0; done < bytes.length; done += KERNEL_WRITE) {
    await fs.write(handle, bytes.subarray(done, done + KERNEL_WRITE), from + done)
  }
}

async function closed(fs: FileSystem, handle: number): Promise<void> {
  await fs.flush(handle)
  await fs.release(handle)
}

async function isThere(t: ExecutionContext, { volume }: Scene, path: string, bytes: Buffer): Promise<void> {
  const { item } = await volume.stat(at(path))
  t.deepEqual([item.size, item.md5], [bytes.length, createHash('md5').update(bytes).digest('hex')])
}

const nothingIsPending = () => until(async () => (await pendingBlobs(server)) === 0)

for (const [how, reach] of Object.entries(WAYS)) {
  const streaming = (title: string, run: (t: ExecutionContext, s: Scene) => Promise<void>) =>
    // What is pending at the server is counted.
    test.serial(`${how}: ${title}`, async (t) => {
      await run(t, await scene(t, reach))
      await nothingIsPending()
    })

  streaming(
    'what is written from beginning to end is at the server at its close, sent once',
    async (t, s) => {
      const bytes = randomBytes(20 * MB + 12_345)
      const handle = await begun(s, '/large.bin', bytes.subarray(0, 12 * MB))
      await until(async () => (await pendingBlobs(server)) === 1)
      t.deepEqual(await namesIn(s.volume), [], 'nothing is to be seen of it before')
      await append(s.fs, handle, bytes.subarray(12 * MB), 12 * MB)
      await closed(s.fs, handle)
      await isThere(t, s, 'large.bin', bytes)
      t.deepEqual(
        s.writes.map(({ size }) => size),
        [undefined],
      )
    },
  )

  streaming('times and mode that were set meanwhile are kept', async (t, s) => {
    const handle = await begun(s, '/run', randomBytes(9 * MB))
    await s.fs.utimens('/run', MOMENT)
    await s.fs.chmod('/run', 0o755)
    await closed(s.fs, handle)
    t.like((await s.volume.stat(at('run'))).item, { modified: MOMENT, executable: true })
    t.like(await s.fs.getattr('/run'), { modified: MOMENT })
  })

  streaming('after fsync it goes on as every other file', async (t, s) => {
    const bytes = randomBytes(12 * MB)
    const handle = await begun(s, '/synced', bytes.subarray(0, 10 * MB))
    await s.fs.fsync(handle)
    await isThere(t, s, 'synced', bytes.subarray(0, 10 * MB))
    await append(s.fs, handle, bytes.subarray(10 * MB), 10 * MB)
    await closed(s.fs, handle)
    await isThere(t, s, 'synced', bytes)
    t.deepEqual(
      s.writes.map(({ size }) => size),
      [undefined, bytes.length],
    )
  })

  streaming('a file that is written over from its beginning is replaced at its close', async (t, s) => {
    const old = Buffer.from('old')
    await put(s.volume, 'f', old)
    const bytes = randomBytes(9 * MB)
    const handle = await begun(s, '/f', bytes, constants.O_TRUNC)
    await isThere(t, s, 'f', old)
    await closed(s.fs, handle)
    await isThere(t, s, 'f', bytes)
    t.is(s.writes.length, 1)
  })

  for (const [what, change] of Object.entries({
    'written to in its middle': async (fs: FileSystem, handle: number, bytes: Buffer) => {
      await fs.write(handle, Buffer.from('changed'), 1000)
      bytes.write('changed', 1000)
      return bytes
    },
    cut: async (fs: FileSystem, handle: number, bytes: Buffer) => {
      await fs.truncate('/f', MB, handle)
      return bytes.subarray(0, MB)
    },
    'cut and written anew': async (fs: FileSystem, handle: number, bytes: Buffer) => {
      await fs.truncate('/f', 0, handle)
      const other = Buffer.alloc(bytes.length, 'x')
      await append(fs, handle, other, 0)
      return other
    },
    'continued behind a hole': async (fs: FileSystem, handle: number, bytes: Buffer) => {
      await fs.write(handle, Buffer.from('end'), bytes.length + MB)
      return Buffer.concat([bytes, Buffer.alloc(MB), Buffer.from('end')])
    },
  })) {
    streaming(`a file that is ${what} is sent as it is then`, async (t, s) => {
      const bytes = randomBytes(9 * MB)
      const handle = await begun(s, '/f', bytes)
      const changed = await change(s.fs, handle, bytes)
      await closed(s.fs, handle)
      await isThere(t, s, 'f', changed)
    })
  }

  streaming('a file that is renamed meanwhile arrives under its new name only', async (t, s) => {
    const bytes = randomBytes(9 * MB)
    const handle = await begun(s, '/old', bytes)
    await s.fs.rename('/old', '/new')
    await closed(s.fs, handle)
    t.deepEqual(await namesIn(s.volume), ['new'])
    await isThere(t, s, 'new', bytes)
  })

  streaming('nothing arrives of a file that is unlinked meanwhile', async (t, s) => {
    const handle = await begun(s, '/gone', randomBytes(9 * MB))
    await s.fs.unlink('/gone')
    await nothingIsPending()
    await closed(s.fs, handle)
    t.deepEqual(await namesIn(s.volume), [])
  })

  streaming('what somebody else has made there meanwhile is not replaced', async (t, s) => {
    const [ours, theirs] = [randomBytes(9 * MB), Buffer.from('theirs')]
    const handle = await begun(s, '/f', ours)
    await put(s.volume, 'f', theirs)
    await closed(s.fs, handle)
    await isThere(t, s, 'f', theirs)
    const [conflict = ''] = (await namesIn(s.volume)).filter((name) => name !== 'f')
    t.regex(conflict, /^f \(conflict test /)
    await isThere(t, s, conflict, ours)
  })

  streaming('what the server refuses fails at the close, and nothing is changed', async (t, s) => {
    await put(s.volume, 'f', 'old')
    const handle = await begun(s, '/f', randomBytes(9 * MB), constants.O_TRUNC)
    await s.owner.fetch('/dav/notes/f', {
      method: 'LOCK',
      body: '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>',
    })
    const error = await t.throwsAsync(async () => s.fs.flush(handle), { instanceOf: FileSystemError })
    t.is(error?.errno, 'EBUSY')
    await isThere(t, s, 'f', Buffer.from('old'))
    await s.fs.release(handle)
  })

  streaming('an answer that was lost is asked for again, and the file is written once', async (t, s) => {
    const bytes = randomBytes(9 * MB)
    s.loseAnswers(1)
    const handle = await begun(s, '/f', bytes)
    await s.fs.utimens('/f', MOMENT)
    await closed(s.fs, handle)
    await isThere(t, s, 'f', bytes)
    t.is((await s.volume.stat(at('f'))).item.modified, MOMENT)
    t.deepEqual(await namesIn(s.volume), ['f'])
    const [first, second] = s.writes
    t.is(first?.options.key, second?.options.key)
  })

  for (const [what, fail] of [
    ['no answer comes', (s: Scene) => s.loseAnswers(2)],
    ['their setting fails', (s: Scene) => s.failAttributes()],
  ] as const) {
    streaming(
      `times and mode are not forgotten where ${what}: close fails, and the next one sets them`,
      async (t, s) => {
        const bytes = randomBytes(9 * MB)
        fail(s)
        const handle = await begun(s, '/f', bytes)
        await s.fs.utimens('/f', MOMENT)
        await s.fs.chmod('/f', 0o755)
        await t.throwsAsync(async () => s.fs.flush(handle), { instanceOf: FileSystemError })
        await closed(s.fs, handle)
        await isThere(t, s, 'f', bytes)
        t.like((await s.volume.stat(at('f'))).item, { modified: MOMENT, executable: true })
        t.deepEqual(await namesIn(s.volume), ['f'])
      },
    )
  }

  streaming('what an earlier mount has left unsent of it is sent for itself', async (t, s) => {
    const cacheDir = tempFolder(t)
    const left = Buffer.from('left')
    let isRefused = true
    const again = async (write: 'through' | 'back') => {
      const volume = await reach(s)
      return opened(
        overriding(volume, {
          async write(place, body, options) {
            s.writes.push({ size: body.size, options })
            if (isRefused && body.size !== undefined) throw new SpaceError('LOCKED', 'It is locked.')
            return volume.write(place, body, options)
          },
        }),
        cacheDir,
        write,
      )
    }
    const before = await again('back')
    const first = await before.create('/f', 0o644, constants.O_WRONLY | constants.O_CREAT)
    await before.write(first, left, 0)
    await closed(before, first)
    await before.close()
    const fs = await again('through')
    t.teardown(() => fs.close())
    const bytes = randomBytes(10 * MB)
    const scene = { ...s, fs }
    const handle = await begun(scene, '/f', bytes.subarray(0, 9 * MB), constants.O_TRUNC)
    isRefused = false
    await until(async () => (await namesIn(s.volume)).length > 0)
    await isThere(t, s, 'f', left)
    await append(fs, handle, bytes.subarray(9 * MB), 9 * MB)
    await closed(fs, handle)
    await isThere(t, s, 'f', bytes)
    t.deepEqual(await namesIn(s.volume), ['f'])
  })

  streaming('few are on their way at once, and all arrive', async (t, s) => {
    const files = Array.from({ length: 6 }, () => randomBytes(9 * MB))
    const handles: number[] = []
    for (const [n, bytes] of files.entries()) {
      const handle = await s.fs.create(`/f${n}`, 0o644, constants.O_WRONLY | constants.O_CREAT)
      await append(s.fs, handle, bytes, 0)
      handles.push(handle)
    }
    t.is(s.writes.length, 4)
    for (const handle of handles) await closed(s.fs, handle)
    for (const [n, bytes] of files.entries()) await isThere(t, s, `f${n}`, bytes)
  })

  streaming('who stops writing keeps no request open', async (t, s) => {
    const bytes = randomBytes(10 * MB)
    const handle = await begun(s, '/slow', bytes.subarray(0, 9 * MB))
    await nothingIsPending()
    await append(s.fs, handle, bytes.subarray(9 * MB), 9 * MB)
    await closed(s.fs, handle)
    await isThere(t, s, 'slow', bytes)
  })
}
