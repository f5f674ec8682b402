import { setTimeout as sleep } from 'node:timers/promises'
import { Command } from 'commander'
import { canonical } from '../../mount/fuse/mount-point.js'
import { mountAt } from '../../mount/fuse/mounts.js'
import { unmountAt } from '../../mount/fuse/unmount.js'
import { listRecords } from '../../mount/records.js'
import { statusOf } from './mounting/status.js'

const PATIENCE = 120_000

/** `novem-spaces unmount`: ends when everything has been sent. */
export function unmountCommand(): Command {
  return new Command('unmount')
    .description('take a mounted space away, and wait until what was written has been sent')
    .argument('<dir>', 'where it is mounted')
    .option('--force', 'also when programs use it; they keep what they have open')
    .action(async (dir: string, { force = false }: { force?: boolean }) => {
      const path = await canonical(dir)
      const there = await mountAt(path)
      if (!there) throw new Error(`Nothing is mounted at ${path}.`)
      if (!there.source.startsWith('novem-spaces:')) {
        throw new Error(`What is mounted at ${path} is no space: ${there.source} (${there.type}).`)
      }
      if ((await unmountAt(path, { lazy: force })) === 'busy') {
        throw new Error(`${path} is in use by a program; end that, or say --force.`)
      }
      await sent(path)
    })
}

/** The process of the mount still sends what it has. */
async function sent(path: string): Promise<void> {
  const record = (await listRecords()).find(({ mountPoint }) => mountPoint === path)
  if (!record) return
  for (const end = Date.now() + PATIENCE; Date.now() < end; await sleep(100)) {
    const { running, unsent } = await statusOf(record)
    if (running) continue
    if (unsent.length === 0) return
    throw new Error(
      `${unsent.length} files of ${path} could not be sent yet; they are when the space is mounted again.`,
    )
  }
  process.stderr.write(`${path} is taken away; its files are still being sent.\n`)
}
