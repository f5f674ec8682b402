/** What a space holds, seen from its server, held against its journal, against fsck, and against a local folder. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import type { ExecutionContext } from 'ava'
import { fsck } from '../../../src/space/fsck.js'
import type { TestServer } from '../../support/server.js'
import { replay } from '../../support/space.js'

/** A space of the account with this token. */
export interface SpaceAt {
  readonly url: string
  readonly token: string
  readonly space: string
}

export interface JournalRow {
  readonly seq: number
  readonly path: string
  readonly change: 'create' | 'update' | 'move' | 'delete'
  readonly old_path: string | null
  readonly type: 'file' | 'folder'
  readonly etag: string | null
  readonly size_bytes: number | null
}

interface Listed {
  readonly path: string
  readonly type: 'file' | 'dir'
  readonly etag: string
  readonly size: number
  readonly md5: string
}

async function ask<T>({ url, token, space }: SpaceAt, path: string): Promise<T> {
  const response = await fetch(`${url}/v1/code/spaces/${space}/${path}`, {
    headers: { authorization: `Bearer ${token}` },
  })
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
  return (await response.json()) as T
}

export async function makeSpace({ url, token, space }: SpaceAt): Promise<void> {
  const response = await fetch(`${url}/v1/code/spaces/${space}`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${token}` },
  })
  if (!response.ok) throw new Error(`PUT ${space}: ${response.status} ${await response.text()}`)
}

/** The whole journal, from its first row. */
export async function journalOf(at: SpaceAt): Promise<JournalRow[]> {
  const rows: JournalRow[] = []
  for (let more = true; more; ) {
    const page = await ask<{ changes: JournalRow[]; has_more: boolean }>(
      at,
      `changes?limit=1000&since=${rows.length}`,
    )
    rows.push(...page.changes)
    more = page.has_more
  }
  return rows
}

/** Path → `folder`, or size and MD5 of the file; sorted. */
export async function contentsOf(at: SpaceAt): Promise<Map<string, string>> {
  return contents(await ask(at, 'content?recursive=true'))
}

function contents(listed: readonly Listed[]): Map<string, string> {
  return sorted(
    listed.map(({ path, type, size, md5 }) => [path, type === 'dir' ? 'folder' : `${size} ${md5}`]),
  )
}

/** The same of a local folder. */
export function contentsOfFolder(folder: string): Map<string, string> {
  return sorted(
    readdirSync(folder, { recursive: true, withFileTypes: true }).map((entry) => {
      const path = join(entry.parentPath, entry.name)
      const name = relative(folder, path).normalize()
      return [name, entry.isDirectory() ? 'folder' : ofBytes(readFileSync(path))]
    }),
  )
}

function ofBytes(bytes: Buffer): string {
  return `${bytes.length} ${createHash('md5').update(bytes).digest('hex')}`
}

function sorted(rows: readonly (readonly [string, string])[]): Map<string, string> {
  return new Map([...rows].sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** What differs, in words; empty where nothing does. */
export function differences(
  expected: ReadonlyMap<string, string>,
  seen: ReadonlyMap<string, string>,
): string[] {
  const paths = new Set([...expected.keys(), ...seen.keys()])
  return [...paths]
    .filter((path) => expected.get(path) !== seen.get(path))
    .map(
      (path) => `${path}: ${expected.get(path) ?? 'nothing'} expected, ${seen.get(path) ?? 'nothing'} seen`,
    )
}

/**
 * The journal has no gaps, replays to what is listed, and never knew of a file that was out of the way; fsck, reading every
 * byte, has nothing to say; `local`, where given, holds the same.
 */
export async function agrees(
  t: ExecutionContext,
  server: Pick<TestServer, 'url' | 'token' | 'redis' | 'blobs' | 'directory' | 'account'>,
  space: string,
  local?: string,
): Promise<void> {
  const at = { ...server, space }
  await journalAgrees(t, at, local)
  const found = await server.directory.load(undefined, { owner: server.account.name, name: space })
  const redis = await server.redis.connect('fsck')
  try {
    const report = await fsck(
      { redis, blobs: server.blobs, directory: server.directory },
      { deep: true, spaces: [found.space?.id ?? ''] },
    )
    t.deepEqual(report.problems, [])
    t.is(report.counts.spaces, 1)
  } finally {
    redis.disconnect()
  }
}

export async function journalAgrees(t: ExecutionContext, at: SpaceAt, local?: string): Promise<void> {
  const rows = await journalOf(at)
  t.deepEqual(
    rows.findIndex(({ seq }, index) => seq !== index + 1),
    -1,
    'the journal has no gaps',
  )
  t.deepEqual(
    rows.filter(({ path, old_path }) => /\.fuse_hidden/.test(`${path} ${old_path}`)),
    [],
  )
  const listed = await ask<Listed[]>(at, 'content?recursive=true')
  const versions = sorted(
    listed.map(({ path, type, etag, size }) => [path, type === 'dir' ? 'folder' : `${etag} ${size}`]),
  )
  t.deepEqual(differences(sorted([...replay(rows.map(asChange))]), versions), [])
  if (local !== undefined) t.deepEqual(differences(contentsOfFolder(local), contents(listed)), [])
}

function asChange({ old_path: oldPath, type: kind, size_bytes: size, ...row }: JournalRow) {
  return { ...row, oldPath, kind, size, created: 0 }
}
