#!/usr/bin/env node
/**
 * `mount.novem-spaces <space>@<server> <dir> [-o options]`: what mount(8) runs for a line of /etc/fstab of the type `novem-spaces`, when it
 * finds this as /sbin/mount.novem-spaces. Ends when the space is mounted. Exit codes are those of mount(8).
 */
import { type HelperRequest, HelperUsageError, parseHelperArguments } from './commands/mounting/fstab.js'

const USAGE = 1
const FAILED = 32

try {
  const request = parseHelperArguments(process.argv.slice(2))
  if (request) await mount(request)
} catch (error) {
  process.stderr.write(`mount.novem-spaces: ${(error as Error).message}\n`)
  process.exitCode = error instanceof HelperUsageError ? USAGE : FAILED
}

async function mount({ space, dir, flags, ...access }: HelperRequest): Promise<void> {
  const { accessFrom } = await import('./commands/remote.js')
  const { settingsOf } = await import('./commands/mounting/options.js')
  const { mountDetached } = await import('./commands/mounting/detached.js')
  const { token } = accessFrom(access)
  const { server } = access
  if (token === undefined) throw new HelperUsageError('A token is needed: say -o token_file=<file>.')
  const source = { kind: 'server', server, token, space } as const
  await mountDetached({ source, settings: settingsOf(flags, dir, server) })
}
