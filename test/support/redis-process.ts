import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

/** A redis-server of a test, in a folder of its own. Goes with the test process at the latest. */
export interface RedisServer {
  readonly folder: string
  /** Undefined while none runs. */
  readonly pid: number | undefined
  /** Sends a signal and, where it ends the process, resolves when it is gone. */
  signal(signal: NodeJS.Signals): Promise<void>
  /** Starts it, again; resolves when it answers. */
  start(): Promise<void>
  /** Ends it and removes its folder. */
  remove(): Promise<void>
}

const running = new Set<ChildProcess>()
const folders = new Set<string>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/**
 * Prepares a server. `settings` may use `%` for its folder. `at`: where it answers, a port or the path of a socket.
 * `program`: arguments that come first, a sentinel's configuration say.
 */
export function redisServer(
  settings: (folder: string) => Readonly<Record<string, string>>,
  at: (folder: string) => number | string,
  leading: (folder: string) => readonly string[] = () => [],
): RedisServer {
  const folder = mkdtempSync('/tmp/novem-redis-')
  folders.add(folder)
  let child: ChildProcess | undefined

  const signal = async (name: NodeJS.Signals) => {
    const current = child
    if (!current || current.exitCode !== null || current.signalCode !== null) return
    const gone = once(current, 'exit')
    if (name === 'SIGSTOP' || name === 'SIGCONT') {
      current.kill(name)
      return
    }
    // Nothing else may be left that keeps the event loop waiting for it.
    current.ref()
    current.kill(name)
    await gone
    running.delete(current)
    child = undefined
  }
  return {
    folder,
    get pid() {
      return child?.pid
    },
    signal,
    start: async () => {
      const args = Object.entries({ dir: folder, ...settings(folder) }).flatMap(([name, value]) => [
        `--${name}`,
        ...value.split(' '),
      ])
      const started = spawn('redis-server', [...leading(folder), ...args], {
        stdio: ['ignore', 'pipe', 'ignore'],
      })
      running.add(started)
      child = started
      let said = ''
      started.stdout?.setEncoding('utf8').on('data', (text: string) => {
        said = (said + text).slice(-4000)
      })
      await once(started, 'spawn')
      while (!(await answers(at(folder)))) {
        if (started.exitCode !== null) throw new Error(`redis-server did not start:\n${said}`)
        await delay(10)
      }
      // The pipe must not keep a test process alive that has nothing else to do.
      started.unref()
      ;(started.stdout as unknown as { unref(): void }).unref()
    },
    remove: async () => {
      await signal('SIGKILL')
      rmSync(folder, { recursive: true, force: true })
      folders.delete(folder)
    },
  }
}

function answers(at: number | string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = typeof at === 'number' ? connect(at, '127.0.0.1') : connect(at)
    probe.on('connect', () => probe.write('PING\r\n'))
    probe.once('data', (reply) => {
      resolve(reply.toString().startsWith('+PONG'))
      probe.destroy()
    })
    probe.on('error', () => resolve(false))
    probe.on('close', () => resolve(false))
  })
}
