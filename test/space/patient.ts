import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import type { Redis } from 'ioredis'
import { LocalBlobStore } from '../../src/blobs/local/store.js'
import { type FsckOptions, fsck } from '../../src/space/fsck.js'
import { tempFolder } from '../support/folder.js'
import { testRedis } from '../support/redis.js'
import { at, type TestSpace, TestTree } from '../support/space.js'

/** Where patients are: a Redis of a test file's own. */
export interface Ward {
  readonly tree: TestTree
  /** For damage done by hand. */
  readonly redis: Redis
}

export async function openWard(): Promise<Ward> {
  const server = await testRedis()
  return { tree: await TestTree.start(server), redis: await server.connect() }
}

/** A space with real blobs. */
export class Patient {
  private constructor(
    readonly redis: Redis,
    readonly space: TestSpace,
    readonly blobs: LocalBlobStore,
    readonly folder: string,
  ) {}

  static async make(t: ExecutionContext, ward: Ward): Promise<Patient> {
    const folder = tempFolder(t)
    // Each has a file of its own, for damage done by hand.
    const blobs = new LocalBlobStore(folder, { durability: 'os', packUpTo: -1 })
    await blobs.open()
    t.teardown(() => blobs.close())
    return new Patient(ward.redis, await ward.tree.space(), blobs, folder)
  }

  get id(): string {
    return this.space.op.space
  }

  key(name: string): string {
    return `{${this.id}}:${name}`
  }

  async write(path: string, bytes = `bytes of ${path}`) {
    const blob = await this.blobs.put(this.id, Buffer.from(bytes), { limit: 1000 })
    const { entry } = await this.space.spaces.write(this.space.op, at(path), blob, { contentType: 'a/b' })
    await this.blobs.settle(this.id, blob.id)
    return entry
  }

  /** A tree with something of everything: replaced, moved, deleted, recursively deleted. */
  async fill(): Promise<this> {
    for (const path of ['a/One', 'a/b/two', 'a/b/c/three', 'Ünï/four', 'gone/x', 'gone/y/z'])
      await this.write(path)
    await this.write('a/one', 'other bytes')
    await this.space.move('a/b', 'Moved/here')
    await this.space.move('ünï/four', 'moved/HERE/two')
    await this.space.remove('gone', true)
    await this.space.mkdir('empty')
    await this.copy('moved', 'Twin')
    await this.copy('a/one', 'a/copy')
    await this.space.remove('twin/here', true)
    await this.setProperty('twin')
    return this
  }

  copy(from: string, to: string) {
    return this.space.spaces.copy(this.space.op, at(from), at(to))
  }

  setProperty(path: string) {
    const set = new Map([['{urn:x}p', '<p xmlns="urn:x"/>']])
    return this.space.spaces.changeProperties(this.space.op, at(path), { set })
  }

  /** The path of a live blob's file. */
  file(blob: string): string {
    return join(this.folder, 'blobs', this.id, blob.slice(0, 2), blob)
  }

  async check(options: FsckOptions = {}) {
    return fsck({ redis: this.redis, blobs: this.blobs }, { spaces: [this.id], ...options })
  }

  async idOf(path: string): Promise<number> {
    return (await this.space.stat(path)).entry.id
  }

  /** Changes a packed entry by hand. */
  async edit(folder: string, folded: string, change: (raw: Buffer) => void): Promise<void> {
    const key = this.key(`d:${await this.idOf(folder)}`)
    const raw = (await this.redis.hgetBuffer(key, folded)) as Buffer
    change(raw)
    await this.redis.hset(key, folded, raw)
  }
}

/** All of them, a hundred at a time. */
export async function some(paths: readonly string[], run: (path: string) => Promise<unknown>): Promise<void> {
  for (let at = 0; at < paths.length; at += 100) await Promise.all(paths.slice(at, at + 100).map(run))
}

type Found = readonly [kind: string, path: string | undefined, repaired: boolean]

export async function found(patient: Patient, options?: FsckOptions): Promise<Found[]> {
  const { problems } = await patient.check(options)
  return problems.map(({ kind, path, repaired }) => [kind, path, repaired])
}

/** Damage that is found, mended by `repair`, and gone after it. */
export async function mended(
  t: ExecutionContext,
  patient: Patient,
  expected: readonly (readonly [string, string?])[],
) {
  const listing = await patient.space.replay()
  const told = (repaired: boolean) => expected.map(([kind, path]) => [kind, path, repaired])
  t.deepEqual(await found(patient), told(false))
  t.deepEqual(await found(patient, { repair: true }), told(true))
  t.deepEqual((await patient.check({ deep: true })).problems, [])
  t.deepEqual([...(await patient.space.listing()).keys()], [...listing.keys()])
}

/** Damage that is found and that repairing leaves alone. */
export async function told(
  t: ExecutionContext,
  patient: Patient,
  expected: readonly (readonly [string, string?])[],
) {
  const all = expected.map(([kind, path]) => [kind, path, false])
  t.deepEqual(await found(patient), all)
  t.deepEqual(await found(patient, { repair: true }), all)
}
