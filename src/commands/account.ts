import type { Command } from 'commander'
import { print, table } from './common.js'
import { ask, remoteCommand } from './remote.js'

interface Overview {
  readonly user_info: Readonly<Record<'username' | 'subscription' | 'email', string>>
  readonly limits: Readonly<Record<'spaces' | 'file_bytes' | 'space_bytes' | 'entries_per_space', number>>
  readonly usage: Readonly<Record<'spaces' | 'bytes' | 'entries', number>>
}

/** `novem-spaces account`: what an account may use, and what it does. */
export function accountCommand(): Command {
  return remoteCommand('account', 'show your account, its limits and what you use of them').action(
    async (_options, command: Command) => {
      const found: Overview = await ask(command, 'GET', '/v1/admin/profile/overview')
      const { user_info: who, limits, usage } = found
      const rows = [
        ['spaces', `${usage.spaces}`, `${limits.spaces}`],
        ['bytes', `${usage.bytes}`, `${limits.space_bytes} a space, ${limits.file_bytes} a file`],
        ['files and folders', `${usage.entries}`, `${limits.entries_per_space} a space`],
      ]
      const heading = `Account ${who.username} on plan ${who.subscription}, e-mail ${who.email || '-'}.`
      print(command, found, `${heading}\n${table([['', 'USED', 'LIMIT'], ...rows])}`)
    },
  )
}
