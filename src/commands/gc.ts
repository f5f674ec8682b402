import { type Command, InvalidArgumentError } from 'commander'
import { Maintenance, type RoundResult } from '../maintenance.js'
import { commandLog, print, storeCommand, withStore } from './common.js'

interface GcOptions {
  readonly freedGrace?: number
  readonly dryRun?: boolean
}

/** `novem-spaces gc`: one round of what a server does every minute by itself, now and to its end. */
export function gcCommand(): Command {
  return storeCommand('gc', 'free what deleted files, trees, spaces and broken uploads left behind')
    .option(
      '--freed-grace <seconds>',
      'how long the bytes of a deleted file stay, for readers and backups (default: 600)',
      seconds,
    )
    .option(
      '--dry-run',
      'change nothing: count the abandoned uploads that would be looked at, and the blobs that would go',
    )
    .option('--json', 'print as JSON')
    .action(async (options: GcOptions, command: Command) => {
      const result = await withStore(command, async (store) => {
        const { freedGrace } = options
        const maintenance = new Maintenance(
          { ...store, log: commandLog },
          freedGrace === undefined ? {} : { freedGraceMs: freedGrace * 1000 },
        )
        if (options.dryRun) return maintenance.dryRun()
        // Trees first: only what the reaper has let go can be collected.
        for await (const { id } of store.directory.allSpaces()) store.spaces.reap(id)
        await store.spaces.reaped()
        return maintenance.round()
      })
      print(command, data(result), text(result))
      if (result.failed > 0) throw new Error(`${result.failed} steps failed and stay for the next round.`)
    })
}

function data(result: Partial<RoundResult>) {
  return {
    uploads_discarded: result.pendingDiscarded,
    uploads_settled: result.pendingSettled,
    blobs_deleted: result.freedDeleted,
    spaces_abandoned: result.spacesAbandoned,
    spaces_forgotten: result.spacesForgotten,
    failed: result.failed,
  }
}

function text(result: Partial<RoundResult>): string {
  return Object.entries(data(result))
    .flatMap(([name, count]) => (count === undefined ? [] : [`${name.replace('_', ' ')}: ${count}`]))
    .join('\n')
}

function seconds(value: string): number {
  if (/^\d{1,9}$/.test(value)) return Number(value)
  throw new InvalidArgumentError('It must be a whole number of seconds.')
}
