import { randomUUID } from 'node:crypto'
import type { ExecutionContext } from 'ava'
import type { Address, ByteRange, Keyed, Volume, WriteBody } from '../../../mount/volume.js'
import { type ErrorCode, SpaceError } from '../../../src/space/errors.js'
import { Watcher } from '../../../src/space/watcher.js'
import { contentOf, json } from '../../support/http.js'
import { type TestServer, type TestServerOptions, type TestUser, testServer } from '../../support/server.js'

/** A space as the mount sees it, and what others do to it. */
export interface Mounted {
  readonly volume: Volume
  readonly server: TestServer
  readonly owner: TestUser
  readonly space: string
  /** Another client, over HTTP. */
  readonly files: ReturnType<typeof contentOf>
}

/** Gives a fresh space each time, of an account of its own on this plan; the test's end closes it. */
export type MakeMounted = (t: ExecutionContext, plan?: string) => Promise<Mounted>

/** A server, and what volumes straight on its tree hear of changes by; `stop` ends both. */
export async function watchedServer(options?: TestServerOptions) {
  const server = await testServer(options)
  const watcher = new Watcher(await server.redis.connect('mount'))
  const stop = async () => {
    watcher.close()
    await server.stop()
  }
  return { server, watcher, stop }
}

export function at(path: string, base = 0): Address {
  return { base, path }
}

export function key(): Keyed {
  return { key: randomUUID() }
}

export function bodyOf(bytes: Uint8Array | string): WriteBody {
  const buffer = Buffer.from(bytes)
  return { size: buffer.length, open: () => buffer }
}

/** Writes a file. */
export function put(volume: Volume, path: string, bytes: Uint8Array | string = 'x', base = 0) {
  return volume.write(at(path, base), bodyOf(bytes), key())
}

/** A file's bytes from `start` to `end` inclusive. `onPiece` is called behind each piece that has come. */
export async function bytesOf(
  volume: Volume,
  path: string,
  { etag, start, end }: ByteRange & { readonly etag: string },
  onPiece: () => void = () => {},
): Promise<Buffer> {
  const pieces: Buffer[] = []
  await volume.read(at(path), etag, { start, end }, (piece) => {
    pieces.push(Buffer.from(piece))
    onPiece()
    return true
  })
  return Buffer.concat(pieces)
}

/** The whole file as it is now. */
export async function textOf(volume: Volume, path: string): Promise<string> {
  const { item } = await volume.stat(at(path))
  if (item.size === 0) return ''
  return String(await bytesOf(volume, path, { etag: item.etag, start: 0, end: item.size - 1 }))
}

export async function namesIn(volume: Volume, path = ''): Promise<string[]> {
  return (await volume.list(at(path))).items.map(({ name }) => name)
}

/** Rejects with a SpaceError of this code, whose message is a sentence. */
export async function fails(
  t: ExecutionContext,
  code: ErrorCode,
  doing: Promise<unknown>,
): Promise<SpaceError> {
  const error = await t.throwsAsync(doing, { instanceOf: SpaceError })
  t.is(error?.code, code, error?.message)
  t.regex(error?.message ?? '', /^\P{Ll}.*[.)]$/su)
  return error as SpaceError
}

/** All rows of the space's journal. */
export async function journalOf({ owner, space }: Mounted): Promise<{ change: string; path: string }[]> {
  return (await json(await owner.fetch(`/v1/code/spaces/${space}/changes`))).changes
}

let count = 0

/** A space of an account of its own. */
export async function newSpace(server: TestServer, plan = 'premium') {
  const owner = await server.user(`user${++count}`, { plan })
  const space = 'notes'
  const made = await owner.fetch(`/v1/code/spaces/${space}`, { method: 'PUT' })
  if (made.status !== 201) throw new Error(await made.text())
  return { server, owner, space, files: contentOf(owner, space) }
}

export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 20_000; !(await condition()); ) {
    if (Date.now() > deadline) throw new Error('the condition never held')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
