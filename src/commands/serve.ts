import cluster from 'node:cluster'
import { Command, Option } from 'commander'
import type { AccessLine } from '../access-log.js'
import { banner } from '../banner.js'
import { type ServeConfig, serveConfig, withServeSettings } from '../config.js'
import type { Log } from '../log.js'
import type { RunningServer } from '../server.js'
import { type MountPlace, mountPlaces } from './mounting/places.js'
import type { ServerMounts } from './mounting/server-mounts.js'

/** `novem-spaces serve`: runs until SIGTERM or SIGINT. */
export function serveCommand(): Command {
  return withServeSettings(
    new Command('serve').description('run the server until SIGTERM or Ctrl-C; logs go to stderr'),
  )
    .addOption(
      new Option(
        '--mount <space:dir>',
        'also mount a space as a folder, such as notes:/mnt or @ann~notes:/mnt; may be repeated',
      ).argParser(mountPlaces),
    )
    .action(async ({ mount: places = [] }: { mount?: readonly MountPlace[] }, command: Command) => {
      const config = serveConfig(command)
      const heard = cluster.isPrimary ? signals() : undefined
      // Loaded here, so that other commands need not wait for them.
      const { pino } = await import('pino')
      const stderr = pino.destination({ dest: 2, sync: true })
      const log: Log = pino({ level: config.logLevel, base: null }, stderr)
      // Whoever asked for it wants it whatever the level of the other log.
      const requests = config.accessLog === 'on' ? pino({ base: null }, stderr) : undefined
      const logs = { log, ...(requests && { access: (line: AccessLine) => requests.info(line, 'request') }) }
      if (!heard) {
        const { runWorker } = await import('../workers/worker.js')
        await runWorker(config, logs)
        return
      }
      const { startServer } = await import('../server.js')
      const server = await startServer(config, logs)
      const mounts = await startMounts(places, config, server, log)
      process.stdout.write(`${banner(server)}\n`)
      for (const line of mounts?.ready ?? []) process.stdout.write(`${line}\n`)
      await heard.first
      await stop(server, mounts, heard, log)
    })
}

async function startMounts(
  places: readonly MountPlace[],
  config: ServeConfig,
  server: RunningServer,
  log: Log,
): Promise<ServerMounts | undefined> {
  if (places.length === 0) return undefined
  const { ServerMounts } = await import('./mounting/server-mounts.js')
  try {
    return await ServerMounts.start(places, config, log)
  } catch (error) {
    await server.close()
    throw error
  }
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
async function stop(
  server: RunningServer,
  mounts: ServerMounts | undefined,
  heard: Signals,
  log: Log,
): Promise<void> {
  log.info('Stopping: running requests are finished first; a second signal cuts them off.')
  // Mounts first: they may have to send something.
  const closed = (mounts?.stop() ?? Promise.resolve()).then(() => server.close())
  heard.onFurther(() => {
    mounts?.hurry()
    server.cutOff()
  })
  await closed
}
