import { once } from 'node:events'
import { constants, cpSync } from 'node:fs'
import type { ExecutionContext } from 'ava'
import { openDirectVolume } from '../../../mount/direct.js'
import { openFileSystem } from '../../../mount/engine/index.js'
import type { FileSystem, Invalidation } from '../../../mount/filesystem.js'
import type { Batch, Cursor, Volume } from '../../../mount/volume.js'
import { silentLog } from '../../../src/log.js'
import { SpaceError } from '../../../src/space/errors.js'
import { tempFolder } from '../../support/folder.js'
import { overriding } from '../../support/overriding.js'
import { namesIn, newSpace, put, textOf, until, type watchedServer } from './volumes.js'

/** A write of the mount under test: `send` lets it go to the server, `answer` lets the mount hear what became of it. */
export interface Held {
  readonly send: () => void
  readonly arrived: Promise<void>
  readonly answer: () => void
  /** The mount hears only that the server is away; before `send` it is. */
  readonly lose: () => void
}

export interface SceneOptions {
  /** Of the first mount and of those after a kill. */
  readonly write?: 'through' | 'back'
  /** In place of those of the volume, under the first mount. */
  readonly methods?: (volume: Volume) => Partial<Volume>
  readonly plan?: string
}

/** A mount that writes back, in a space with two files, whose every write to the server waits for the test. */
export class Scene {
  /** Those that the mount has begun, in that order. */
  readonly writes: Held[] = []
  /** What the kernel was told to forget. */
  readonly forgotten: Invalidation[] = []
  #end: () => Promise<void> = async () => undefined
  #isOpen = false

  private constructor(
    private readonly t: ExecutionContext,
    readonly volume: Volume,
    readonly cacheDir: string,
  ) {}

  static async start(
    t: ExecutionContext,
    { server, watcher }: Awaited<ReturnType<typeof watchedServer>>,
    { write = 'back', methods = () => ({}), plan }: SceneOptions = {},
  ): Promise<{ readonly scene: Scene; readonly fs: FileSystem }> {
    const { owner, space } = await newSpace(server, plan)
    const { spaces: tree, blobs, directory } = server
    const parts = { tree, blobs, directory, watcher, log: silentLog, owner: owner.account.name, space }
    const volume = await openDirectVolume(parts)
    const scene = new Scene(t, volume, tempFolder(t))
    for (const path of ['document', 'other']) await put(volume, path, 'before')
    const held = { write: scene.#write, follow: nothing, ...methods(volume) }
    const fs = await scene.mount(scene.cacheDir, { write, volume: overriding(volume, held) })
    scene.#end = () => fs.close()
    t.teardown(() => scene.end())
    return { scene, fs }
  }

  /** All that waits is sent, and the first mount is closed. */
  async end(): Promise<void> {
    const close = this.#end
    this.#end = async () => undefined
    this.letAll()
    await close()
  }

  /** From now on no write waits. */
  letAll(): void {
    this.#isOpen = true
    this.writes.forEach(release)
  }

  readonly #write: Volume['write'] = async (at, body, options) => {
    const [mayGo, arrived, mayHear] = [gate(), gate(), gate()]
    let isLost = false
    const lose = () => {
      isLost = true
      mayHear.open()
    }
    const held = { send: mayGo.open, arrived: arrived.passed, answer: mayHear.open, lose }
    this.writes.push(held)
    if (this.#isOpen) release(held)
    await mayGo.passed
    if (isLost) throw away()
    const written = await this.volume.write(at, body, options).finally(arrived.open)
    await mayHear.passed
    if (isLost) throw away()
    return written
  }

  /** The mount has begun so many writes; the last of them. */
  async nth(count: number): Promise<Held> {
    await until(() => this.writes.length >= count)
    return this.writes[count - 1] as Held
  }

  /** What a kill at this moment leaves. */
  left(cacheDir = this.cacheDir): string {
    const left = tempFolder(this.t)
    cpSync(cacheDir, left, { recursive: true })
    return left
  }

  /** All that the next mount has to send is sent. */
  async afterKill(left = this.left()): Promise<void> {
    const fs = await this.mount(left)
    await fs.close()
  }

  /** Another mount, whose writes wait for nobody. */
  async mount(
    cacheDir: string,
    { write = 'back', volume = this.lasting() }: { write?: 'through' | 'back'; volume?: Volume } = {},
  ): Promise<FileSystem> {
    const { fs } = await openFileSystem(volume, {
      ...{ cacheDir, cacheBytes: 1e6, write, readOnly: false, host: 'test' },
      ...{ log: silentLog, invalidate: (changes) => void this.forgotten.push(...changes) },
    })
    return fs
  }

  /** The volume, whichever mount of it is closed. */
  lasting(methods: Partial<Volume> = {}): Volume {
    return overriding(this.volume, { close: async () => undefined, ...methods })
  }
}

function away(): SpaceError {
  return new SpaceError('UNAVAILABLE', 'The server is away.')
}

/** The journal is not what this is about: nothing is asked anew because of its rows. */
export async function* nothing(since: Cursor, signal: AbortSignal): AsyncGenerator<Batch, void> {
  yield { rows: [], seq: since.seq }
  if (!signal.aborted) await once(signal, 'abort')
}

export function gate() {
  let open = () => {}
  const passed = new Promise<void>((resolve) => {
    open = resolve
  })
  return { open, passed }
}

export function release({ send, answer }: Held): void {
  send()
  answer()
}

export async function writeTo(fs: FileSystem, path: string, text: string): Promise<number> {
  const handle = await fs.create(path, 0o644, constants.O_WRONLY | constants.O_TRUNC)
  await fs.write(handle, Buffer.from(text), 0)
  return handle
}

export async function close(fs: FileSystem, handle: number): Promise<void> {
  await fs.flush(handle)
  await fs.release(handle)
}

/** What is in each file of the root, by name; "folder" for what is none. */
export async function texts(volume: Volume): Promise<string[]> {
  const names = await namesIn(volume)
  return Promise.all(names.map((name) => textOf(volume, name).catch(() => 'folder')))
}

/** `document` is written anew and closed, and not sent before the first write was. */
export async function waiting(
  t: ExecutionContext,
  at: Awaited<ReturnType<typeof watchedServer>>,
  options: SceneOptions = {},
) {
  const { scene, fs } = await Scene.start(t, at, options)
  await close(fs, await writeTo(fs, 'other', 'new'))
  await close(fs, await writeTo(fs, 'document', 'mine'))
  return { scene, fs }
}

/** The file was closed, is written to anew, and what was closed has just arrived: nothing is known of that here. */
export async function writtenWhileSent(
  t: ExecutionContext,
  at: Awaited<ReturnType<typeof watchedServer>>,
  path = 'document',
) {
  const { scene, fs } = await Scene.start(t, at)
  // What replaces something holds up all that comes behind it.
  await close(fs, await writeTo(fs, 'other', 'new'))
  await close(fs, await writeTo(fs, path, 'first'))
  const handle = await writeTo(fs, path, 'second')
  release(await scene.nth(1))
  const first = await scene.nth(2)
  first.send()
  await first.arrived
  return { scene, fs, handle, first }
}
