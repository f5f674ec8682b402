import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The compiled command line. */
export const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url))

export interface Finished {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Settings that leak in from the machine would decide what a test sees. */
const SETTINGS =
  /^(PORT|HOST|WORKERS|DATA_DIR|REDIS_URL|DURABILITY|S3_\w+|PUBLIC_URL|CORS_ORIGINS|FETCH_ALLOW|DAV_DEPTH|LOG_LEVEL|ACCESS_LOG|METRICS_\w+|TRUST_PROXY|DRAIN_WAIT|FREED_GRACE|JOURNAL_KEEP|SMTP_URL|MAIL_FROM|NOVEM_SERVER|NOVEM_TOKEN)$/

export function cleanEnvironment(settings: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !SETTINGS.test(name))
  return { ...Object.fromEntries(inherited), ...settings }
}

/** Runs `novem-spaces <args>` to its end. */
export async function runCli(
  args: readonly string[],
  settings: Readonly<Record<string, string>> = {},
  input = '',
): Promise<Finished> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: cleanEnvironment(settings),
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  // Who ends without reading it breaks the pipe.
  child.stdin.on('error', () => {}).end(input)
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout, stderr }
}

/** `npm run test:workers` runs the same tests on servers of several processes. */
const { NOVEM_TEST_WORKERS } = process.env
const WORKERS = NOVEM_TEST_WORKERS === undefined ? {} : { WORKERS: NOVEM_TEST_WORKERS }

/** A server of its own process, as an operator runs it. */
export interface ServerProcess {
  readonly url: string
  readonly pid: number
  /** Of the account made at the first start; undefined at later ones. */
  readonly token: string | undefined
  /** What it has said on stderr so far. */
  stderr(): string
  /** Ends it by a signal and resolves with its exit code, null where the signal killed it. */
  end(signal: NodeJS.Signals): Promise<number | null>
}

const running = new Set<ChildProcess>()
/** Process ids of embedded Redis, with the data folder each belongs to. */
const redisServers = new Map<number, string>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
  for (const [pid, dataDir] of redisServers) endRedis(pid, dataDir)
})

/**
 * Starts `novem-spaces serve` on a free port and resolves when it is ready. Rejects with what it said where it ends
 * before. It, and the Redis it may leave behind, go with the test process at the latest.
 */
export async function startServerProcess(
  dataDir: string,
  settings: Readonly<Record<string, string>> = {},
  nodeArguments: readonly string[] = [],
): Promise<ServerProcess> {
  const child = spawn(process.execPath, [...nodeArguments, MAIN, 'serve'], {
    env: cleanEnvironment({ PORT: '0', DATA_DIR: dataDir, DURABILITY: 'os', ...WORKERS, ...settings }),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.add(child)
  let stdout = ''
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const closed = once(child, 'close').then(([code]) => code as number | null)
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
      // The banner comes in one piece and ends with an empty line.
      const ready = /ready on (\S+)/.exec(stdout)?.[1]
      if (ready !== undefined && stdout.endsWith('\n\n')) resolve(ready)
    })
    closed.then((code) => reject(new Error(`The server ended with ${code}: ${stderr}`)))
  })
  if (settings.REDIS_URL === undefined) redisServers.set(redisPid(dataDir), dataDir)
  return {
    url,
    pid: child.pid as number,
    token: /^\s+(nbt-\S+)$/m.exec(stdout)?.[1],
    stderr: () => stderr,
    end: async (signal) => {
      child.kill(signal)
      const code = await closed
      running.delete(child)
      return code
    },
  }
}

/** Process id of a data folder's embedded Redis, from the file that Redis itself keeps. */
export function redisPid(dataDir: string): number {
  return Number(readFileSync(`${dataDir}/redis/redis.pid`, 'utf8'))
}

/** A server that a test has killed leaves its Redis behind, perhaps in a folder that is gone already. */
function endRedis(pid: number, dataDir: string): void {
  const { stdout } = spawnSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' })
  if (stdout.includes(dataDir)) process.kill(pid, 'SIGKILL')
}
