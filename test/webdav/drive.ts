import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { runCli, startServerProcess } from '../support/cli.js'
import { tempFolder } from '../support/folder.js'
import { hasProgram, type Ran, runProgram } from '../support/programs.js'
import { replay } from '../support/space.js'

/** A server in a process of its own, for real clients. */
export interface Drive {
  /** Of its space `files`. */
  readonly url: string
  readonly user: 'root'
  readonly token: string
  /** A folder for the test's own files. */
  readonly local: string
  get(path: string): Promise<Response>
  /** Names and bytes in the space's folder are those in the local one, soon. */
  becomes(t: ExecutionContext, path: string, folder: string): Promise<void>
  /** The journal replays to the listing, and fsck, reading every byte, has nothing to say. */
  agrees(t: ExecutionContext): Promise<void>
}

/** A test that needs programs; left out, saying so, where one is not installed, or where the machine lacks something else. */
export function withPrograms(names: readonly string[], lacking: readonly string[] = []) {
  const missing = [...names.filter((name) => !hasProgram(name)), ...lacking]
  return (title: string, run: (t: ExecutionContext) => Promise<void>) => {
    if (missing.length === 0) test(title, run)
    else test.skip(`${title} (left out without ${missing.join(', ')})`, run)
  }
}

export async function startDrive(t: ExecutionContext): Promise<Drive> {
  const data = tempFolder(t)
  const local = tempFolder(t)
  const server = await startServerProcess(data)
  t.teardown(() => server.end('SIGTERM'))
  const token = server.token ?? ''
  const ask = (path: string) =>
    fetch(`${server.url}/v1/code/spaces/files/${path}`, { headers: { authorization: `Bearer ${token}` } })
  const json = async (path: string) => (await ask(path)).json()
  const get = (path: string) => ask(`content/${path.split('/').map(encodeURIComponent).join('/')}`)

  const listing = async (): Promise<readonly Row[]> => (await json('content?recursive=true')) as Row[]
  const differences = async (path: string, folder: string): Promise<string[]> => {
    const below = (await listing()).filter((row) => row.path.startsWith(`${path}/`))
    const remote = new Map(below.map((row) => [row.path.slice(path.length + 1), row.type]))
    const found: string[] = []
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      const name = relative(folder, join(entry.parentPath, entry.name))
      const type = remote.get(name.normalize())
      remote.delete(name.normalize())
      if (type !== (entry.isDirectory() ? 'dir' : 'file')) found.push(`${name} is ${type}`)
      else if (entry.isFile()) {
        const bytes = Buffer.from(await (await get(`${path}/${name}`)).arrayBuffer())
        if (!bytes.equals(readFileSync(join(folder, name)))) found.push(`${name} has other bytes`)
      }
    }
    return [...found, ...[...remote.keys()].map((name) => `${name} is only in the space`)]
  }
  return {
    url: `${server.url}/dav/files`,
    user: 'root',
    token,
    local,
    get,
    becomes: async (t, path, folder) => {
      let found = await differences(path, folder)
      for (const end = Date.now() + 30_000; found.length > 0 && Date.now() < end; await delay(100)) {
        found = await differences(path, folder)
      }
      t.deepEqual(found, [])
    },
    agrees: async (t) => {
      const rows: Change[] = []
      for (let more = true; more; ) {
        const page = (await json(`changes?limit=1000&since=${rows.length}`)) as Changes
        rows.push(...page.changes)
        more = page.has_more
      }
      t.deepEqual(
        rows.map(({ seq }) => seq),
        rows.map((_, index) => index + 1),
      )
      const listed = (await listing()).map(({ path, type, etag, size }) => [
        path,
        type === 'file' ? `${etag} ${size}` : 'folder',
      ])
      t.deepEqual(replay(rows.map(asChange)), new Map((listed as [string, string][]).sort()))
      const fsck = await runCli(['fsck', '--deep'], { DATA_DIR: data })
      t.is(fsck.code, 0, fsck.stdout + fsck.stderr)
      t.is(
        server
          .stderr()
          .split('\n')
          .filter((line) => /"level":"?(?:error|50)/.test(line))
          .join(),
        '',
      )
    },
  }
}

interface Row {
  readonly path: string
  readonly type: 'file' | 'dir'
  readonly etag: string
  readonly size: number
}

interface Change {
  readonly seq: number
  readonly path: string
  readonly change: 'create' | 'update' | 'move' | 'delete'
  readonly old_path: string | null
  readonly type: 'file' | 'folder'
  readonly etag: string | null
  readonly size_bytes: number | null
}

interface Changes {
  readonly changes: readonly Change[]
  readonly has_more: boolean
}

function asChange({ old_path: oldPath, type, size_bytes: size, ...row }: Change) {
  return {
    ...row,
    oldPath,
    size,
    kind: type === 'file' ? ('file' as const) : ('folder' as const),
    created: 0,
  }
}

const DAY = fileURLToPath(new URL('../../../test/webdav/working-day.sh', import.meta.url))

/** The working day on a mounted drive; what is there in the end, as its user sees it, is in the folder that is given back. */
export async function workingDay(t: ExecutionContext, mounted: string, local: string): Promise<string> {
  const seen = join(local, 'seen')
  mkdirSync(join(local, 'work'))
  const day = await must(t, 'timeout', ['90', 'sh', DAY, mounted, join(local, 'work')])
  t.true(day.said.endsWith('== done\n'), day.said)
  await must(t, 'timeout', ['30', 'cp', '-r', join(mounted, 'day'), seen])
  return seen
}

/** Runs a program that must end well. */
export async function must(
  t: ExecutionContext,
  program: string,
  args: readonly string[],
  options: Parameters<typeof runProgram>[2] = {},
): Promise<Ran> {
  const ran = await runProgram(program, args, options)
  t.is(ran.code, 0, `${program} ${args.join(' ')}\n${ran.said}`)
  return ran
}
