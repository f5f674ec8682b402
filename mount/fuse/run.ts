import { execFile } from 'node:child_process'

export interface Ended {
  /** null: it could not be started, or was killed because it took too long. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  /** There is no such program. */
  readonly missing: boolean
}

/** Runs a program without a shell; always resolves. */
export function run(program: string, args: readonly string[], timeout = 10_000): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(
      program,
      args,
      { timeout, killSignal: 'SIGKILL', cwd: '/' },
      (error, stdout, stderr) => {
        resolve({ code: child.exitCode, stdout, stderr: stderr.trim(), missing: error?.code === 'ENOENT' })
      },
    )
  })
}
