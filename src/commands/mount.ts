import { Command } from 'commander'
import type { Log } from '../log.js'
import { type MountFlags, settingsOf, withMountFlags } from './mounting/options.js'
import type { MountRequest } from './mounting/run.js'
import { accessOf, withAccess } from './remote.js'

const say = (message: string) => process.stderr.write(`${message}\n`)
const log: Log = { info: say, warn: say, error: say }

/** `novem-spaces mount`: a space as a folder of this machine, until SIGTERM, Ctrl-C, or umount. */
export function mountCommand(): Command {
  const command = new Command('mount')
    .description('mount a space as a folder, until Ctrl-C; with --detach until `unmount`')
    .argument('<space>', 'your space, or @owner~space')
    .argument('<dir>', 'an empty folder')
    .option('--detach', 'go on in the background as soon as it is mounted')
  return withMountFlags(withAccess(command)).action(
    async (space: string, dir: string, flags: MountFlags & { detach?: boolean }, self: Command) => {
      const access = accessOf(self)
      const request: MountRequest = {
        source: { kind: 'server', ...access, space },
        settings: settingsOf(flags, dir, access.server),
      }
      if (!flags.detach) return mountHere(request)
      const { mountDetached } = await import('./mounting/detached.js')
      process.stdout.write(`${await mountDetached(request)}\n`)
    },
  )
}

async function mountHere(request: MountRequest): Promise<void> {
  // Loaded here, so that other commands need not wait for it.
  const { runMount } = await import('./mounting/run.js')
  const run = await runMount(request, log)
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => run.stop())
  process.stdout.write(`${run.ready}\n`)
  await run.done
  // On macOS libfuse leaves a thread behind.
  process.exit()
}
