import { readdir, readFile, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { Collector } from '../../src/blobs/collector.js'
import type { BlobLedger } from '../../src/blobs/ledger.js'
import { ignoreMissing } from '../../src/blobs/local/failure.js'
import { LocalBlobStore, type LocalBlobStoreOptions } from '../../src/blobs/local/store.js'
import type { BlobStore } from '../../src/blobs/store.js'
import { all, NO_LIMIT, sorted } from './support.js'

const DAY = 86_400_000

export async function openStore(
  t: ExecutionContext,
  folder: string,
  options: Partial<LocalBlobStoreOptions> = {},
): Promise<LocalBlobStore> {
  const store = new LocalBlobStore(folder, { durability: 'os', cacheBytes: 0, ...options })
  await store.open()
  t.teardown(() => store.close())
  return store
}

/** A live blob. */
export async function keep(store: BlobStore, bytes: string | Buffer, space = 's1'): Promise<string> {
  const { id } = await store.put(space, Buffer.from(bytes), NO_LIMIT)
  await store.settle(space, id)
  return id
}

export async function read(store: BlobStore, blob: string, space = 's1'): Promise<string> {
  const size = (await store.size(space, blob)) ?? 1
  return (await store.read(space, blob, { start: 0, end: size - 1 })).toString()
}

/** Ids and whether they are pending, in order of ids. */
export async function listed(store: BlobStore, space = 's1'): Promise<string[]> {
  return sorted(
    (await all(store.list(space))).map(({ blob, pending }) => (pending ? `${blob} pending` : blob)),
  )
}

/** Names in a folder below the store's, none where there is no such folder. */
export async function namesIn(folder: string, name: string): Promise<string[]> {
  return sorted(await readdir(join(folder, name)).catch(() => []))
}

/** The files of the packs' folder, and of both others together. */
export async function packNames(folder: string): Promise<string[]> {
  return (await namesIn(folder, 'packs')).filter((name) => /^[0-9a-f]{12}$/.test(name))
}

/** The pack of a blob, as a path. */
export function packOf(folder: string, blob: string): string {
  return join(folder, 'packs', blob.slice(0, 12))
}

/** As if the packs had rested for a day. */
export async function rested(folder: string): Promise<void> {
  const then = new Date(Date.now() - DAY)
  for (const name of await packNames(folder)) await utimes(join(folder, 'packs', name), then, then)
}

/** As if the owners of all packs, or of one, were elsewhere, and had not been heard of for a day. */
export async function silenced(folder: string, pack = ''): Promise<void> {
  const then = new Date(Date.now() - DAY)
  for (const name of await namesIn(folder, 'packs')) {
    if (!name.startsWith(pack) || !name.endsWith('.open')) continue
    const path = join(folder, 'packs', name)
    // One that was just about to be closed may have gone meanwhile.
    const state = await readFile(path, 'latin1').catch(ignoreMissing)
    if (state === undefined) continue
    const [checkpoint] = state.split('\n')
    await writeFile(path, `${checkpoint}\nsomewhere else 1 1\n`)
    await utimes(path, then, then)
  }
}

/** One sweep that waits for nothing. */
export function sweep(store: BlobStore, ledger: BlobLedger) {
  return new Collector({ store, ledger, pendingGraceMs: -DAY, freedGraceMs: 0 }).sweep()
}
