import type { Command } from 'commander'
import { renewEpochs } from '../backup/epochs.js'
import { type FsckOptions, type FsckReport, fsck } from '../space/fsck.js'
import { print, storeCommand, withStore } from './common.js'

interface NewEpoch {
  readonly newEpoch?: boolean
}

/** What the process ends with where something is or was wrong. */
const WRONG = 3

/** `novem-spaces fsck`: holds entries, blobs, totals and journal against each other, beside a running server too. */
export function fsckCommand(): Command {
  return storeCommand(
    'fsck',
    'check that entries, bytes, totals and journals agree, and mend what can be mended safely',
  )
    .option('--repair', 'mend what can be mended safely; no entry is ever deleted')
    .option('--deep', 'read every file and compare its MD5')
    .option(
      '--new-epoch',
      'let clients and mounts start over: after a restored backup, or a fail-over that lost changes',
    )
    .option('--json', 'print as JSON')
    .action(async ({ newEpoch, repair, deep }: FsckOptions & NewEpoch, command: Command) => {
      const report = await withStore(command, async (store) => {
        if (newEpoch) await renewEpochs(store)
        return fsck(store, { repair: repair === true, deep: deep === true })
      })
      print(command, report, text(report))
      if (report.counts.problems > 0) process.exitCode = WRONG
    })
}

function text({ problems, counts }: FsckReport): string {
  const lines = problems.map(({ space, kind, path, detail, repaired }) => {
    const where = path === undefined ? space : `${space}:/${path}`
    return `${where}: ${kind}: ${detail}${repaired ? ' Repaired.' : ''}`
  })
  const untold = counts.problems - problems.length
  if (untold > 0) lines.push(`… and ${untold} more.`)
  lines.push(
    `${counts.spaces} spaces, ${counts.folders} folders, ${counts.files} files of ${counts.bytes} bytes, ` +
      `${counts.blobs} blobs, ${counts.journalRows} changes: ${verdict(counts)}`,
  )
  return lines.join('\n')
}

function verdict({ problems, unsettled }: FsckReport['counts']): string {
  const busy = unsettled > 0 ? ` ${unsettled} folders changed too fast to be judged.` : ''
  return `${problems === 0 ? 'all is well' : `${problems} ${problems === 1 ? 'problem' : 'problems'}`}.${busy}`
}
