/**
 * A process that serves one mount for another that has started it: `mount --detach`, or a server with `serve --mount`. It is sent a
 * MountRequest, and answers `ready` or `failed` with a text. With `stay` it outlives who started it; without, it unmounts when that
 * one ends.
 */
import { pino } from 'pino'
import { type MountRequest, type MountRun, runMount } from './run.js'

export interface ProcessRequest extends MountRequest {
  readonly stay: boolean
  readonly logLevel: string
}

export type ProcessAnswer = { readonly ready: string } | { readonly failed: string }

process.once('message', async (request: ProcessRequest) => {
  const log = pino({ level: request.logLevel, base: null }, pino.destination({ dest: 2, sync: true }))
  let run: MountRun | undefined
  let stopped = false
  const stop = () => {
    stopped = true
    run?.stop()
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, stop)
  // Of a terminal that was closed.
  process.on('SIGHUP', () => {})
  if (!request.stay) process.on('disconnect', stop)
  try {
    run = await runMount(request, log)
    if (stopped) run.stop()
    answer({ ready: run.ready })
    await run.done
    process.exit()
  } catch (error) {
    answer({ failed: (error as Error).message })
    process.exit(1)
  }
})

function answer(said: ProcessAnswer): void {
  if (process.connected) process.send?.(said)
}
