import { constants } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import { openDirectVolume } from '../../mount/direct.js'
import { openFileSystem } from '../../mount/engine/index.js'
import type { FileSystem, FileSystemError } from '../../mount/filesystem.js'
import { silentLog } from '../../src/log.js'
import type { Watcher } from '../../src/space/watcher.js'
import { tempFolder } from '../support/folder.js'
import { jsonBody } from '../support/http.js'
import { overriding } from '../support/overriding.js'
import type { TestServer } from '../support/server.js'
import { newSpace, until, watchedServer } from './support/volumes.js'

/** A mount that hears of its own changes after it has made the next ones, as behind a slow network, goes by what it has done. */

let server: TestServer
let watcher: Watcher
let stop: () => Promise<void>
test.before(async () => {
  ;({ server, watcher, stop } = await watchedServer())
})
test.after.always(() => stop())

interface Late {
  readonly fs: FileSystem
  /** The journal so far is heard, row by row; resolves when it has been. */
  hear(): Promise<void>
  /** Runs behind each removal and move, before the mount has the server's answer. */
  behindChanges(act: () => Promise<unknown>): void
  /** What another client does. */
  readonly files: Awaited<ReturnType<typeof newSpace>>['files']
}

/** A mount that hears nothing of the journal until it is told to. */
async function lateMount(t: ExecutionContext): Promise<Late> {
  const { owner, space, files } = await newSpace(server)
  const { spaces: tree, blobs, directory } = server
  const parts = { tree, blobs, directory, watcher, log: silentLog, owner: owner.account.name, space }
  const volume = await openDirectVolume(parts)
  let heard = 0
  let gate = closedGate()
  let behindChange = async (): Promise<unknown> => undefined
  const { fs } = await openFileSystem(
    overriding(volume, {
      remove: async (at, options) => {
        const removed = await volume.remove(at, options)
        await behindChange()
        return removed
      },
      move: async (from, to, options) => {
        const moved = await volume.move(from, to, options)
        await behindChange()
        return moved
      },
      async *follow(since, signal) {
        heard = since.seq
        for await (const { rows } of volume.follow(since, signal)) {
          for (const row of rows) {
            await gate.passed
            yield { rows: [row], seq: row.seq }
            heard = row.seq
          }
        }
      },
    }),
    {
      ...{ cacheDir: tempFolder(t), cacheBytes: 1e6, write: 'through', readOnly: false, host: 'test' },
      ...{ log: silentLog, invalidate: () => undefined },
    },
  )
  t.teardown(async () => {
    gate.open()
    await fs.close()
  })
  const hear = async () => {
    const { cursor } = await volume.info()
    gate.open()
    await until(() => heard === cursor.seq)
    gate = closedGate()
  }
  const behindChanges = (act: typeof behindChange) => {
    behindChange = act
  }
  return { fs, hear, behindChanges, files }
}

function closedGate() {
  let open = () => {}
  const passed = new Promise<void>((resolve) => {
    open = resolve
  })
  return { open, passed }
}

async function save(fs: FileSystem, path: string): Promise<void> {
  const handle = await fs.create(path, 0o644, constants.O_WRONLY | constants.O_CREAT)
  await fs.write(handle, Buffer.from(path), 0)
  await fs.flush(handle)
  await fs.release(handle)
}

async function namesIn(fs: FileSystem, path: string): Promise<string[]> {
  return [...(await fs.readdir(path))].map(({ name }) => name).sort()
}

test('a folder that has taken the place of an empty one stays there', async (t) => {
  const { fs, hear } = await lateMount(t)
  t.deepEqual(await namesIn(fs, '/'), [])
  await fs.mkdir('/full', 0o755)
  await fs.mkdir('/full/deep', 0o755)
  await save(fs, '/full/deep/file')
  await fs.mkdir('/empty', 0o755)
  await fs.rename('/full', '/empty')
  await hear()
  t.is((await fs.getattr('/empty/deep/file')).size, '/full/deep/file'.length)
  t.deepEqual(await namesIn(fs, '/'), ['empty'])
})

test('what was in a folder that is no more says nothing about the one that is called so now', async (t) => {
  const { fs, hear } = await lateMount(t)
  await fs.mkdir('/new', 0o755)
  await save(fs, '/new/file')
  await fs.mkdir('/old', 0o755)
  await save(fs, '/old/file')
  await save(fs, '/old/other')
  await fs.unlink('/old/file')
  await fs.unlink('/old/other')
  await fs.rmdir('/old')
  await fs.rename('/new', '/old')
  await hear()
  t.deepEqual(await namesIn(fs, '/old'), ['file'])
  t.is((await fs.getattr('/old/file')).size, '/new/file'.length)
})

test('what others did in a folder before it was moved here is seen in its new place', async (t) => {
  const { fs, hear, files } = await lateMount(t)
  await fs.mkdir('/a', 0o755)
  await save(fs, '/a/Kept')
  await save(fs, '/a/changed')
  await save(fs, '/a/gone')
  t.deepEqual(await namesIn(fs, '/a'), ['Kept', 'changed', 'gone'])
  await files.post('a/changed', { body: 'by somebody else' })
  await files.post('a/Added', { body: 'x' })
  await files.delete('a/gone')
  await fs.rename('/a', '/b')
  await fs.rename('/b', '/C')
  await hear()
  t.deepEqual(await namesIn(fs, '/C'), ['Added', 'Kept', 'changed'])
  t.is((await fs.getattr('/C/changed')).size, 'by somebody else'.length)
  t.deepEqual(await namesIn(fs, '/'), ['C'])
})

test('a folder whose name alone changed case keeps what is in it', async (t) => {
  const { fs, hear } = await lateMount(t)
  await fs.mkdir('/name', 0o755)
  await save(fs, '/name/file')
  await fs.rename('/name', '/NAME')
  await hear()
  t.deepEqual(await namesIn(fs, '/'), ['NAME'])
  t.deepEqual(await namesIn(fs, '/NAME'), ['file'])
})

for (const isUsed of [true, false]) {
  const when = isUsed ? 'is asked for' : 'is not asked for'
  test(`folders that others move in a ring are each what they are, where a name ${when} before they are heard of`, async (t) => {
    const { fs, hear, files } = await lateMount(t)
    for (const name of ['first', 'second']) await files.post(`${name}/of-${name}`, { body: 'x' })
    await hear()
    for (const path of ['/', '/first', '/second']) await namesIn(fs, path)
    await files.patch('first', jsonBody({ to: 'five' }))
    // Of this move it knows; the folder is to be asked for before it is used.
    await hear()
    await files.patch('five', jsonBody({ to: 'four' }))
    await files.patch('second', jsonBody({ to: 'five' }))
    if (isUsed) t.is((await fs.getattr('/five')).kind, 'folder')
    await hear()
    t.deepEqual(await namesIn(fs, '/'), ['five', 'four'])
    t.deepEqual(await namesIn(fs, '/five'), ['of-second'])
    t.deepEqual(await namesIn(fs, '/four'), ['of-first'])
  })
}

const WAYS: Readonly<
  Record<string, { readonly go: (fs: FileSystem) => Promise<void>; readonly left: readonly string[] }>
> = {
  'the open file of that name is being unlinked': {
    go: async (fs) => {
      await fs.hide('/a', '/.fuse_hidden1')
      await fs.dropHidden('/a')
    },
    left: ['a'],
  },
  'it is being unlinked': { go: async (fs) => fs.unlink('/a'), left: ['a'] },
  'it is being moved away': { go: async (fs) => fs.rename('/a', '/b'), left: ['a', 'b'] },
}

for (const [what, { go, left }] of Object.entries(WAYS)) {
  test(`a name that others give anew while ${what} is seen`, async (t) => {
    const { fs, hear, behindChanges, files } = await lateMount(t)
    t.deepEqual(await namesIn(fs, '/'), [])
    await save(fs, '/a')
    behindChanges(async () => {
      t.is((await files.post('a', { body: 'another' })).status, 200)
      await hear()
    })
    await go(fs)
    t.deepEqual(await namesIn(fs, '/'), left)
    t.is((await fs.getattr('/a')).size, 'another'.length)
  })
}

test('a rename that replaces nothing replaces nothing, also what this mount has not heard of', async (t) => {
  const { fs, hear, files } = await lateMount(t)
  t.deepEqual(await namesIn(fs, '/'), [])
  await save(fs, '/a')
  await save(fs, '/b')
  const isKept = async (to: string) => {
    const refusal = await t.throwsAsync<FileSystemError>(async () => fs.rename('/a', to, true))
    t.is(refusal?.errno, 'EEXIST')
    t.true(refusal?.message.includes(`"${to}"`), refusal?.message)
  }
  await isKept('/b')
  t.is((await files.post('theirs', { body: 'of somebody else' })).status, 200)
  await isKept('/theirs')
  t.is((await fs.getattr('/theirs')).size, 'of somebody else'.length, 'and it is known from then on')
  await fs.rename('/a', '/c', true)
  await fs.rename('/c', '/C', true)
  await hear()
  t.deepEqual(await namesIn(fs, '/'), ['C', 'b', 'theirs'])
})
