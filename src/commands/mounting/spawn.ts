import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { ProcessAnswer, ProcessRequest } from './process.js'
import type { MountRequest } from './run.js'

const PROGRAM = fileURLToPath(new URL('./process.js', import.meta.url))

export interface SpawnOptions {
  /** It outlives this process. */
  readonly stay: boolean
  readonly logLevel: string
  /** File descriptor that its log goes to. */
  readonly log: number
}

export interface MountProcess {
  readonly ready: string
  readonly process: ChildProcess
}

/** Mounts in a process of its own, and resolves when the mount is ready. Rejects with the reason why it is not. */
export async function spawnMount(request: MountRequest, options: SpawnOptions): Promise<MountProcess> {
  const { stay, logLevel, log } = options
  const child = spawn(process.execPath, [PROGRAM], {
    // A session of its own: Ctrl-C at a terminal means us, and we end it in our time.
    detached: true,
    cwd: '/',
    stdio: ['ignore', log, log, 'ipc'],
  })
  const message: ProcessRequest = { ...request, stay, logLevel }
  const said = await new Promise<ProcessAnswer>((resolve) => {
    child.on('error', (error) => resolve({ failed: error.message }))
    child.on('exit', (code, signal) => resolve({ failed: `its process ended (${signal ?? code})` }))
    child.once('message', (answer: ProcessAnswer) => resolve(answer))
    child.send(message)
  })
  if ('failed' in said) throw new Error(said.failed)
  if (stay) {
    child.disconnect()
    child.unref()
  }
  return { ready: said.ready, process: child }
}
