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
    const stopped = firstSignal()
    // Loaded here, so that other commands need not wait for them.
    const { startServer } = await import('../server.js')
    const { pino } = await import('pino')
    const log: Log = pino({ level: config.logLevel, base: null }, pino.destination({ dest: 2, sync: true }))
    const server = await startServer(config, log)
    process.stdout.write(`${banner(server)}\n`)
    await stopped
    await stop(server, log)
  })
}

/** Listened for from the beginning: a signal while Redis loads is obeyed as soon as stopping is clean. */
function firstSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve())
  })
}

/** A second signal stops waiting for requests that run; what they had not acknowledged is undone at the next start. */
async function stop(server: RunningServer, log: Log): Promise<void> {
  log.info('Stopping: running requests are finished first; a second signal cuts them off.')
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => server.cutOff())
  await server.close()
}
