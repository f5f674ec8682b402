import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { ExecutionContext } from 'ava'
import { abortConnection } from '../../../mount/fuse/abort.js'
import { mountAt } from '../../../mount/fuse/mounts.js'
import { unmountAt } from '../../../mount/fuse/unmount.js'
import { tempFolder } from '../../support/folder.js'

/** No test of a mount waits longer for anything. */
export const PATIENCE = 60_000
const PROGRAM = fileURLToPath(new URL('./memory-mount.js', import.meta.url))

/** A MemoryFileSystem mounted by a process of its own: who serves a mount must never touch it, and a test does. */
export interface MemoryMount {
  readonly path: string
  readonly process: ChildProcess
  /** A command of memory-mount.ts, and its answer. */
  tell(...command: string[]): Promise<unknown>
  /** What the file system was asked since the last time, but for what `ls` and `stat` ask all the time. */
  calls(): Promise<string[]>
  /** What it has said on stderr. */
  said(): string
  /** Resolves with its exit code when it has ended; null: by a signal. */
  readonly ended: Promise<number | null>
}

/** Mounts; unmounts, kills and removes everything when the test has ended, however. */
export async function memoryMount(
  t: ExecutionContext,
  options: object = {},
  {
    at,
    spawning = {},
  }: { readonly at?: string; readonly spawning?: Pick<SpawnOptions, 'uid' | 'gid' | 'env'> } = {},
): Promise<MemoryMount> {
  const path = at ?? `${tempFolder(t)}/mnt`
  if (!at) mkdirSync(path)
  const child = spawn(process.execPath, [PROGRAM, path, JSON.stringify(options)], {
    ...spawning,
    stdio: 'pipe',
  })
  const ended = new Promise<number | null>((resolve) => child.on('exit', resolve))
  t.teardown(() => clear(path, child, ended))
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async () => {
    const { value, done } = await within(lines.next(), 'an answer of the mount')
    if (done) throw new Error(`The mount ended: ${stderr}`)
    return value
  }
  if ((await next()) !== 'ready') throw new Error(`The mount did not get ready: ${stderr}`)
  const tell = async (...command: string[]) => {
    child.stdin.write(`${JSON.stringify(command)}\n`)
    return JSON.parse(await next())
  }
  return {
    path,
    process: child,
    ended,
    tell,
    calls: async () => {
      const calls = (await tell('calls')) as string[]
      return calls.filter((call) => !/^(getattr|readdir) /.test(call))
    },
    said: () => stderr,
  }
}

/** Runs a shell script in a mount; fails where it takes too long. stdout and stderr together. */
export async function shell(script: string, cwd: string): Promise<{ code: number | null; said: string }> {
  const child = spawn('sh', ['-c', script], { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  const hear = (text: string) => {
    said += text
  }
  child.stdout.setEncoding('utf8').on('data', hear)
  child.stderr.setEncoding('utf8').on('data', hear)
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
  try {
    return { code: await within(ended, script), said: said.trimEnd() }
  } finally {
    child.kill('SIGKILL')
  }
}

/** Polls until `condition` holds. */
export async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + PATIENCE
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`It did not come to this in time: ${what}`)
    await sleep(10)
  }
}

export async function within<T>(work: Promise<T>, what: string, patience = PATIENCE): Promise<T> {
  const over = new AbortController()
  const late = sleep(patience, undefined, { signal: over.signal }).then(() => {
    throw new Error(`This took longer than ${patience} ms: ${what}`)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    over.abort()
    late.catch(() => {})
  }
}

async function clear(path: string, child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  child.kill('SIGKILL')
  const there = await mountAt(path)
  if (there) await abortConnection(there.connection, path)
  if (await mountAt(path)) await unmountAt(path, { lazy: true })
  await within(ended, 'the end of the mount')
  rmSync(path, { recursive: true, force: true })
}
