import { randomBytes } from 'node:crypto'
import { parsePath } from '../../src/space/names.js'
import { Spaces } from '../../src/space/spaces.js'
import type { Conditions, Limits, Location, OpContext, StoredBlob } from '../../src/space/types.js'
import { type TestRedis, testRedis } from './redis.js'

export const LIMITS: Limits = { fileBytes: 100_000_000, spaceBytes: 5_000_000_000, entries: 1_000_000 }

export function at(path: string, base?: number): Location {
  return base === undefined ? { path: parsePath(path) } : { path: parsePath(path), base }
}

/** A blob that exists in name only: the tree does not look into the store. */
export function blob(size = 5): StoredBlob {
  return { id: randomBytes(16).toString('hex'), size, md5: randomBytes(16).toString('hex') }
}

/** Spaces on a real Redis of their own, without a blob store. */
export class TestTree {
  readonly #redis: TestRedis
  readonly spaces: Spaces

  private constructor(redis: TestRedis, spaces: Spaces) {
    this.#redis = redis
    this.spaces = spaces
  }

  static async start(redis?: TestRedis): Promise<TestTree> {
    const server = redis ?? (await testRedis())
    return new TestTree(server, new Spaces(await server.connect()))
  }

  /** A new space of an owner of its own. */
  async space(limits: Limits = LIMITS): Promise<TestSpace> {
    const op: OpContext = {
      space: randomBytes(6).toString('hex'),
      caller: { accountId: `a${randomBytes(4).toString('hex')}` },
      limits,
    }
    await this.spaces.createSpace(op.space, op.caller.accountId)
    return new TestSpace(this.spaces, op)
  }

  get redis(): TestRedis {
    return this.#redis
  }

  async stop(): Promise<void> {
    await this.spaces.close()
    await this.#redis.stop()
  }
}

/** The operations on one space, by path strings. */
export class TestSpace {
  constructor(
    readonly spaces: Spaces,
    readonly op: OpContext,
  ) {}

  write(path: string, size = 5, extra: Conditions & { executable?: boolean; modified?: number } = {}) {
    return this.spaces.write(this.op, at(path), blob(size), { contentType: 'text/plain', ...extra })
  }

  mkdir(path: string) {
    return this.spaces.mkdir(this.op, at(path))
  }

  move(from: string, to: string, conditions?: Conditions) {
    return this.spaces.move(this.op, at(from), at(to), conditions)
  }

  remove(path: string, recursive = false) {
    return this.spaces.remove(this.op, at(path), { recursive })
  }

  stat(path: string) {
    return this.spaces.stat(this.op, at(path))
  }

  async names(path = ''): Promise<string[]> {
    return (await this.spaces.list(this.op, at(path), {})).entries.map((entry) => entry.name)
  }

  /** Every path with its entry, as listing says. */
  async listing(): Promise<Map<string, string>> {
    const rows = new Map<string, string>()
    const { batches } = await this.spaces.tree(this.op, at(''))
    for await (const batch of batches) {
      for (const entry of batch)
        rows.set(entry.path, entry.kind === 'file' ? `${entry.etag} ${entry.size}` : 'folder')
    }
    return new Map([...rows].sort())
  }

  async journal(since = 0, limit = 1000) {
    const rows = []
    for (let cursor = since; ; ) {
      const page = await this.spaces.changes(this.op, { since: cursor, limit })
      rows.push(...page.changes)
      cursor = rows.at(-1)?.seq ?? since
      if (!page.hasMore) return rows
    }
  }

  /** What the journal up to `seq` says the tree is, in the form of `listing`. */
  async replay(seq = Number.POSITIVE_INFINITY): Promise<Map<string, string>> {
    return replay((await this.journal()).filter((row) => row.seq <= seq))
  }
}

type Row = Awaited<ReturnType<TestSpace['journal']>>[number]

export function replay(rows: readonly Row[]): Map<string, string> {
  const tree = new Map<string, string>()
  for (const row of rows) {
    const value = row.kind === 'file' ? `${row.etag} ${row.size}` : 'folder'
    if (row.change === 'delete') tree.delete(row.path)
    else if (row.change !== 'move') tree.set(row.path, value)
    else {
      const old = row.oldPath as string
      tree.delete(old)
      tree.set(row.path, value)
      for (const [path, below] of [...tree]) {
        if (!path.startsWith(`${old}/`)) continue
        tree.delete(path)
        tree.set(row.path + path.slice(old.length), below)
      }
    }
  }
  return new Map([...tree].sort())
}
