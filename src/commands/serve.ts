import cluster from 'node:cluster'
import { Command } from 'commander'
import { banner } from '../banner.js'
import { serveConfig, withServeSettings } from '../config.js'
import type { Log } from '../log.js'
import type { RunningServer } from '../server.js'

/** `novem-spaces serve`: runs until SIGTERM or SIGINT. */
export function serveCommand(): Command {
  return withServeSettings(
    new Command('serve').description('run the server until SIGTERM or Ctrl-C; logs go to stderr'),
  ).action(async (_options, command: Command) => {
    const config = serveConfig(command)
    const heard = cluster.isPrimary ? signals() : undefined
    // Loaded here, so that other commands need not wait for them.
    const { pino } = await import('pino')
    const log: Log = pino({ level: config.logLevel, base: null }, pino.destination({ dest: 2, sync: true }))
    if (!heard) {
      const { runWorker } = await import('../workers/worker.js')
      await runWorker(config, log)
      return
    }
    const { startServer } = await import('../server.js')
    const server = await startServer(config, log)
    process.stdout.write(`${banner(server)}\n`)
    await heard.first
    await stop(server, heard, log)
  })
}

interface Signals {
  readonly first: Promise<void>
  /** Called for every signal behind the first, also for those that came before this was set. */
  onFurther(act: () => void): void
}

/** Listened for from the beginning and to the end: a signal while Redis loads is obeyed as soon as stopping is clean. */
function signals(): Signals {
  let count = 0
  let act: (() => void) | undefined
  let begin: () => void
  const first = new Promise<void>((resolve) => {
    begin = resolve
  })
  const hear = () => {
    count++
    if (count === 1) begin()
    else act?.()
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, hear)
  return {
    first,
    onFurther: (further) => {
      act = further
      if (count > 1) further()
    },
  }
}

/** A second signal stops waiting for requests that run; what they had not acknowledged is undone at the next start. */
async function stop(server: RunningServer, heard: Signals, log: Log): Promise<void> {
  log.info('Stopping: running requests are finished first; a second signal cuts them off.')
  const closed = server.close()
  heard.onFurther(() => server.cutOff())
  await closed
}
