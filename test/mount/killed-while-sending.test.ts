import { once } from 'node:events'
import { constants, cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { openDirectVolume } from '../../mount/direct.js'
import { openFileSystem } from '../../mount/engine/index.js'
import { intentLogOf, workFolderOf } from '../../mount/engine/leftovers.js'
import type { FileSystem } from '../../mount/filesystem.js'
import type { Batch, Cursor, Volume } from '../../mount/volume.js'
import { silentLog } from '../../src/log.js'
import type { Watcher } from '../../src/space/watcher.js'
import { tempFolder } from '../support/folder.js'
import { overriding } from '../support/overriding.js'
import type { TestServer } from '../support/server.js'
import { namesIn, newSpace, put, textOf, until, watchedServer } from './support/volumes.js'

/**
 * Writing back, and killed while a file is on its way that was closed anew meanwhile: the next mount knows both versions for its
 * own. What is in the cache folder at a moment is what a kill -9 at that moment leaves.
 */

let server: TestServer
let watcher: Watcher
let stop: () => Promise<void>
test.before(async () => {
  ;({ server, watcher, stop } = await watchedServer())
})
test.after.always(() => stop())

/** A write of the mount under test: `send` lets it go to the server, `answer` lets the mount hear what became of it. */
interface Held {
  readonly send: () => void
  readonly arrived: Promise<void>
  readonly answer: () => void
}

class Scene {
  /** Those that the mount has begun, in that order. */
  readonly writes: Held[] = []

  private constructor(
    private readonly t: ExecutionContext,
    readonly volume: Volume,
    readonly cacheDir: string,
  ) {}

  static async start(t: ExecutionContext): Promise<{ readonly scene: Scene; readonly fs: FileSystem }> {
    const { owner, space } = await newSpace(server)
    const { spaces: tree, blobs, directory } = server
    const parts = { tree, blobs, directory, watcher, log: silentLog, owner: owner.account.name, space }
    const volume = await openDirectVolume(parts)
    const scene = new Scene(t, volume, tempFolder(t))
    for (const path of ['document', 'other']) await put(volume, path, 'before')
    const methods = { write: scene.#write, follow: nothing }
    const fs = await scene.#mount(overriding(volume, methods), scene.cacheDir)
    t.teardown(async () => {
      const letAll = setInterval(() => scene.writes.forEach(release), 5)
      await fs.close()
      clearInterval(letAll)
    })
    return { scene, fs }
  }

  readonly #write: Volume['write'] = async (at, body, options) => {
    const [mayGo, arrived, mayHear] = [gate(), gate(), gate()]
    this.writes.push({ send: mayGo.open, arrived: arrived.passed, answer: mayHear.open })
    await mayGo.passed
    const written = await this.volume.write(at, body, options)
    arrived.open()
    await mayHear.passed
    return written
  }

  /** The mount has begun so many writes; the last of them. */
  async nth(count: number): Promise<Held> {
    await until(() => this.writes.length >= count)
    return this.writes[count - 1] as Held
  }

  /** What a kill at this moment leaves. */
  left(): string {
    const left = tempFolder(this.t)
    cpSync(this.cacheDir, left, { recursive: true })
    return left
  }

  /** All that the next mount has to send is sent. */
  async afterKill(left = this.left()): Promise<void> {
    const fs = await this.#mount(overriding(this.volume, { close: async () => undefined }), left)
    await fs.close()
  }

  async #mount(volume: Volume, cacheDir: string): Promise<FileSystem> {
    const { fs } = await openFileSystem(volume, {
      ...{ cacheDir, cacheBytes: 1e6, write: 'back', readOnly: false, host: 'test' },
      ...{ log: silentLog, invalidate: () => undefined },
    })
    return fs
  }
}

/** The journal is not what this is about: nothing is asked anew because of its rows. */
async function* nothing(since: Cursor, signal: AbortSignal): AsyncGenerator<Batch, void> {
  yield { rows: [], seq: since.seq }
  if (!signal.aborted) await once(signal, 'abort')
}

function gate() {
  let open = () => {}
  const passed = new Promise<void>((resolve) => {
    open = resolve
  })
  return { open, passed }
}

function release({ send, answer }: Held): void {
  send()
  answer()
}

async function writeTo(fs: FileSystem, path: string, text: string): Promise<number> {
  const handle = await fs.create(path, 0o644, constants.O_WRONLY | constants.O_TRUNC)
  await fs.write(handle, Buffer.from(text), 0)
  return handle
}

async function close(fs: FileSystem, handle: number): Promise<void> {
  await fs.flush(handle)
  await fs.release(handle)
}

/** `document` was closed, is written to anew, and what was closed has just arrived: nothing is known of that here. */
async function writtenWhileSent(t: ExecutionContext) {
  const { scene, fs } = await Scene.start(t)
  // What replaces something holds up all that comes behind it.
  await close(fs, await writeTo(fs, 'other', 'new'))
  await close(fs, await writeTo(fs, 'document', 'first'))
  const handle = await writeTo(fs, 'document', 'second')
  release(await scene.nth(1))
  const first = await scene.nth(2)
  first.send()
  await first.arrived
  return { scene, fs, handle, first }
}

async function isSecond(t: ExecutionContext, { volume }: Scene): Promise<void> {
  t.deepEqual(await namesIn(volume), ['document', 'other'])
  t.is(await textOf(volume, 'document'), 'second')
}

test('what was closed while an older version of it was on its way replaces that', async (t) => {
  const { scene, fs, handle } = await writtenWhileSent(t)
  await close(fs, handle)
  await scene.afterKill()
  await isSecond(t, scene)
})

test('what was closed while an older version of it was on its way, and waits to be sent, replaces that', async (t) => {
  const { scene, fs, handle, first } = await writtenWhileSent(t)
  await close(fs, handle)
  first.answer()
  await scene.nth(3)
  await scene.afterKill()
  await isSecond(t, scene)
})

test('what was not closed when its older version arrived is not there', async (t) => {
  const { scene } = await writtenWhileSent(t)
  await scene.afterKill()
  t.deepEqual(await namesIn(scene.volume), ['document', 'other'])
  t.is(await textOf(scene.volume, 'document'), 'first')
})

test('what was closed while an older version of it was on its way, and renamed then, has its new name', async (t) => {
  const { scene, fs } = await Scene.start(t)
  await close(fs, await writeTo(fs, 'other', 'new'))
  await close(fs, await writeTo(fs, 'temporary', 'first'))
  const handle = await writeTo(fs, 'temporary', 'second')
  release(await scene.nth(1))
  const first = await scene.nth(2)
  first.send()
  await first.arrived
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
  const { scene, fs } = await Scene.start(t)
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
