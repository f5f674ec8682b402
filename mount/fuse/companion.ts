import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { POOL_SIZE } from './thread-pool.js'

const PROGRAM = fileURLToPath(new URL('./companion-process.js', import.meta.url))
/** It is small; this keeps V8 from reserving for a large one. */
const FLAGS = ['--max-old-space-size=32', '--no-warnings']

/** The process beside us that may touch our mount (`companion-process.ts` says why). To be started before mounting. */
export class Companion {
  readonly #process: ChildProcessByStdio<Writable, Readable, null>
  readonly #waiting = new Map<number, (inode: number) => void>()
  #next = 1

  /** Resolves when it has ended, whatever the reason. */
  readonly ended: Promise<void>

  constructor() {
    this.#process = spawn(process.execPath, [...FLAGS, PROGRAM], {
      cwd: '/',
      // Questions at a time: each may have to wait for us.
      env: { UV_THREADPOOL_SIZE: `${POOL_SIZE}` },
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    this.#process.stdin.on('error', () => {})
    createInterface({ input: this.#process.stdout }).on('line', (line) => {
      const [id, inode] = JSON.parse(line) as [number, number]
      this.#answered(id, inode)
    })
    this.ended = new Promise<void>((resolve) => {
      this.#process.on('error', () => resolve()).on('exit', () => resolve())
    }).then(() => {
      for (const id of [...this.#waiting.keys()]) this.#answered(id, 0)
    })
  }

  /** Ends the connection if this process is killed and cannot die. */
  watch(mountPoint: string, connection: number): void {
    this.#say({ mountPoint, connection })
  }

  /** The inode of what is at this absolute path; 0: nothing is, or it cannot be told. */
  inodeAt(path: string): Promise<number> {
    return this.#ask('inode', path)
  }

  /** Resolves when statfs(2) has come back, whatever it said. */
  async statfs(path: string): Promise<void> {
    await this.#ask('statfs', path)
  }

  close(): void {
    this.#process.kill('SIGKILL')
  }

  #ask(question: string, path: string): Promise<number> {
    return new Promise((resolve) => {
      const id = this.#next++
      this.#waiting.set(id, resolve)
      this.#say([id, question, path])
    })
  }

  #say(message: unknown): void {
    this.#process.stdin.write(`${JSON.stringify(message)}\n`)
  }

  #answered(id: number, inode: number): void {
    this.#waiting.get(id)?.(inode)
    this.#waiting.delete(id)
  }
}
