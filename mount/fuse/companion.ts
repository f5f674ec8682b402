import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'

const PROGRAM = fileURLToPath(new URL('./companion-process.js', import.meta.url))
/** It is small; this keeps V8 from reserving for a large one. */
const FLAGS = ['--max-old-space-size=32', '--no-warnings']

/** The process beside us that sees to it that we can be killed (`companion-process.ts`). To be started before mounting. */
export class Companion {
  readonly #process: ChildProcessByStdio<Writable, null, null>

  /** Resolves when it has ended, whatever the reason. */
  readonly ended: Promise<void>

  constructor() {
    this.#process = spawn(process.execPath, [...FLAGS, PROGRAM], {
      cwd: '/',
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    this.#process.stdin.on('error', () => {})
    this.ended = new Promise<void>((resolve) => {
      this.#process.on('error', () => resolve()).on('exit', () => resolve())
    })
  }

  /** Ends the connection if this process is killed and cannot die. */
  watch(mountPoint: string, connection: number): void {
    this.#process.stdin.write(`${JSON.stringify({ mountPoint, connection })}\n`)
  }

  close(): void {
    this.#process.kill('SIGKILL')
  }
}
