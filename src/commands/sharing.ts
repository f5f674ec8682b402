import { type Command, InvalidArgumentError, Option } from 'commander'
import { print, table } from './common.js'
import { ask, remoteCommand, spacePath } from './remote.js'

const SPACE = 'your space, or @owner~space'
const TARGET = '@user~group or +org~group, with ~rw to let them write; or public'

/** `share`, `unshare`, `shares`, `invite`, `uninvite`, `join`: sharing one's spaces, at a server. */
export function sharingCommands(): Command[] {
  return [share(), unshare(), shares(), invite(), uninvite(), join()]
}

function share(): Command {
  return remoteCommand('share', 'share a space with a group')
    .argument('<space>', SPACE)
    .argument('<target>', TARGET)
    .action(async (space: string, target: string, _options, command: Command) => {
      const done = await ask(command, 'PUT', sharePath(space, target))
      print(command, done, `${space} is shared with ${target}.`)
    })
}

function unshare(): Command {
  return remoteCommand('unshare', 'end a share')
    .argument('<space>', SPACE)
    .argument('<target>', 'as it was shared; letters do not matter')
    .action(async (space: string, target: string, _options, command: Command) => {
      const done = await ask(command, 'DELETE', sharePath(space, target))
      print(command, done, `${space} is no longer shared with ${target}.`)
    })
}

function shares(): Command {
  return remoteCommand('shares', 'show with whom a space is shared; without one, all invitations')
    .argument('[space]', SPACE)
    .action(async (space: string | undefined, _options, command: Command) => {
      if (space === undefined) {
        const found: Invitations = await ask(command, 'GET', '/v1/spaces/shared')
        print(command, found, invitationTable(found))
        return
      }
      const rows: readonly ShareRow[] = await ask(command, 'GET', `${spacePath(space)}/shared`)
      const shown = rows.map(({ name, share: letters, created_on }) => [name, letters.join(''), created_on])
      print(command, rows, table([['SHARED WITH', 'LETTERS', 'SINCE'], ...shown]))
    })
}

function invite(): Command {
  return remoteCommand(
    'invite',
    'invite somebody by e-mail address; the link to send is the last line printed',
  )
    .argument('<space>', 'your space, or a tag on your spaces')
    .argument('<email>')
    .addOption(
      new Option('--permission <permission>', 'what they may do').choices(['read', 'write']).default('read'),
    )
    .addOption(new Option('--expires-in <seconds>', 'end of the access (default: never)').argParser(seconds))
    .action(async (tag: string, email: string, options: InviteOptions, command: Command) => {
      const { permission, expiresIn } = options
      const body = { tag, email, permission, ...(expiresIn && { expires_in: expiresIn }) }
      const made = await ask(command, 'POST', '/v1/spaces/share', body)
      const mailed = made.email_sent ? 'It was mailed too.' : 'Send it yourself; it was not mailed.'
      print(
        command,
        made,
        `${email} is invited to ${tag}. The link is shown only now. ${mailed}\n${made.share_url}`,
      )
    })
}

function uninvite(): Command {
  return remoteCommand('uninvite', 'revoke an invitation, and the access of who accepted it')
    .argument('<token>', 'its token, or its handle as "shares" shows it')
    .action(async (token: string, _options, command: Command) => {
      await ask(command, 'DELETE', `/v1/spaces/share/${encodeURIComponent(token)}`)
      print(command, { revoked: true }, 'The invitation is revoked.')
    })
}

/** The invitation is an argument; `--token` is the account's. */
function join(): Command {
  return remoteCommand('join', 'accept an invitation')
    .argument('<invitation>', 'its token: shr_…')
    .action(async (token: string, _options, command: Command) => {
      const joined = await ask(command, 'POST', '/v1/spaces/join', { token })
      print(command, joined, joined.message)
    })
}

interface InviteOptions {
  readonly permission: string
  readonly expiresIn?: number
}

interface ShareRow {
  readonly name: string
  readonly share: readonly string[]
  readonly created_on: string
}

interface InvitationEntry {
  readonly token: string
  readonly tag: string
  readonly permission: string
  readonly owner_tenant_id: string
  readonly shared_with_email: string
  readonly accepted_by_tenant: string | null
  readonly expires_at: string | null
}

interface Invitations {
  readonly shared_by_me: readonly InvitationEntry[]
  readonly shared_with_me: readonly InvitationEntry[]
}

function invitationTable({ shared_by_me, shared_with_me }: Invitations): string {
  const row = (who: (entry: InvitationEntry) => string) => (entry: InvitationEntry) => [
    entry.token,
    entry.tag,
    who(entry),
    entry.permission,
    entry.accepted_by_tenant ?? 'pending',
    entry.expires_at ?? 'never',
  ]
  const columns = ['PERMISSION', 'ACCEPTED', 'ENDS']
  return [
    table([
      ['HANDLE', 'SHARED', 'WITH', ...columns],
      ...shared_by_me.map(row((one) => one.shared_with_email)),
    ]),
    table([['HANDLE', 'SHARED', 'BY', ...columns], ...shared_with_me.map(row((one) => one.owner_tenant_id))]),
  ].join('\n\n')
}

function sharePath(space: string, target: string): string {
  return `${spacePath(space)}/shared/${encodeURIComponent(target)}`
}

function seconds(text: string): number {
  if (/^[1-9]\d{0,9}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It must be a number of seconds of at least 1.')
}
