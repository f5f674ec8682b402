import { Command } from 'commander'
import { canonical } from '../../mount/fuse/mount-point.js'
import { listRecords } from '../../mount/records.js'
import { print } from './common.js'
import { type FoundStatus, statusOf } from './mounting/status.js'

/** Unsent files, for people. */
const MOST_SHOWN = 20
const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB']

/** `novem-spaces status`: what is mounted, whether its server answers, and what has not been sent. */
export function statusCommand(): Command {
  return new Command('status')
    .description('show mounted spaces, whether their servers answer, and what has not been sent yet')
    .argument('[dir]', 'only what is mounted there')
    .option('--json', 'print as JSON')
    .action(async (dir: string | undefined, _options, command: Command) => {
      const path = dir === undefined ? undefined : await canonical(dir)
      const records = await listRecords()
      const wanted = records.filter(({ mountPoint }) => path === undefined || mountPoint === path)
      if (path !== undefined && wanted.length === 0) throw new Error(`You have mounted no space at ${path}.`)
      const found = await Promise.all(wanted.map(statusOf))
      print(command, found.map(data), found.map(text).join('\n') || 'You have mounted no space.')
    })
}

function data({ mountPoint, space, server, cacheDir, running, unsent, live }: FoundStatus) {
  return {
    mount_point: mountPoint,
    space,
    server,
    running,
    server_reachable: live?.online ?? null,
    write: live?.write ?? null,
    read_only: live?.readOnly ?? null,
    unsent: unsent.map(({ path, size, error }) => ({ path, size, error: error ?? null })),
    cache_dir: cacheDir,
    cache_bytes: live?.cacheBytes ?? null,
    cache_limit: live?.cacheLimit ?? null,
  }
}

function text({ mountPoint, space, server, running, unsent, live, cacheDir }: FoundStatus): string {
  const state = live
    ? `${live.online ? 'connected' : 'the server does not answer'}, ${live.readOnly ? 'read only' : `writes ${live.write}`}`
    : 'not running'
  const lines = [`${mountPoint}: ${space} of ${server}, ${state}`]
  if (live) lines.push(`  cache: ${amount(live.cacheBytes)} of ${amount(live.cacheLimit)} in ${cacheDir}`)
  if (unsent.length === 0) lines.push('  everything has been sent')
  else {
    const bytes = unsent.reduce((sum, { size }) => sum + size, 0)
    const until = running ? '' : ', until it is mounted again'
    lines.push(`  not sent yet: ${unsent.length} files, ${amount(bytes)}${until}`)
  }
  // What was refused is what somebody has to know.
  const first = [...unsent].sort((a, b) => Number(b.error !== undefined) - Number(a.error !== undefined))
  for (const { path, size, error } of first.slice(0, MOST_SHOWN)) {
    lines.push(`    ${path} (${amount(size)})${error === undefined ? '' : `: ${error}`}`)
  }
  if (unsent.length > MOST_SHOWN) lines.push(`    and ${unsent.length - MOST_SHOWN} more; all with --json`)
  return lines.join('\n')
}

function amount(bytes: number): string {
  const unit = Math.min(UNITS.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10))
  const value = bytes / 1024 ** unit
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`
}
