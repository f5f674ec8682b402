import { Command, Option } from 'commander'
import type { Directory } from '../accounts/directory.js'
import { formatGroup, type GroupAddress, parseGroup } from '../sharing/address.js'
import { OPERATOR } from '../sharing/groups.js'
import { parseRole, ROLES } from '../sharing/roles.js'
import { isoTime, print, storeCommand, table, withStore } from './common.js'

const GROUP = '@user~group, +org~group, or +org for an organisation'

/** `novem-spaces group …`: the operator's hand in groups and organisations, also where nobody leads one any more. */
export function groupCommand(): Command {
  return new Command('group')
    .description('groups and organisations: make, show, change and delete them')
    .addCommand(add())
    .addCommand(list())
    .addCommand(members())
    .addCommand(invite())
    .addCommand(remove())
    .addCommand(drop())
}

function add(): Command {
  return storeCommand('add', 'make a group or an organisation')
    .argument('<group>', GROUP)
    .option('--founder <account>', 'its founder; of a user’s group that user')
    .option('--json', 'print as JSON')
    .action(async (name: string, { founder }: { founder?: string }, command: Command) => {
      const group = groupNamed(name)
      const who = group.kind === '@' ? group.owner : founder
      if (who === undefined || (founder !== undefined && founder !== who)) {
        command.error(
          who === undefined
            ? 'error: --founder is needed.'
            : `error: the founder of ${name} is ${who}; leave --founder out.`,
        )
      }
      await withStore(command, async ({ directory }) =>
        directory.groups.create(await accountId(directory, who), group),
      )
      print(command, { group: name, founder: who }, `${name} is made; its founder is ${who}.`)
    })
}

function list(): Command {
  return storeCommand('list', 'show the groups and organisations that an account is in, or invited to')
    .argument('<account>')
    .option('--json', 'print as JSON')
    .action(async (name: string, _options, command: Command) => {
      const found = await withStore(command, async ({ directory }) => {
        const id = await accountId(directory, name)
        const [groups, orgs, invites] = await Promise.all([
          directory.groups.list(id),
          directory.groups.listOrgs(id),
          directory.groups.listInvites(id),
        ])
        return [
          ...[...orgs, ...groups].map((row) => ({ ...row, accepted: true })),
          ...invites.map((row) => ({ ...row, accepted: false })),
        ]
      })
      const data = found.map(({ group, role, accepted, since }) => ({
        group: formatGroup(group),
        role,
        accepted,
        since: isoTime(since),
      }))
      const rows = data.map((row) => [
        row.group,
        row.role ?? '-',
        row.accepted ? 'yes' : 'invited',
        row.since,
      ])
      print(command, data, table([['GROUP', 'ROLE', 'MEMBER', 'SINCE'], ...rows]))
    })
}

function members(): Command {
  return storeCommand('members', 'show who is in a group or an organisation')
    .argument('<group>', GROUP)
    .option('--json', 'print as JSON')
    .action(async (name: string, _options, command: Command) => {
      const group = groupNamed(name)
      const found = await withStore(command, ({ directory }) => directory.groups.listMembers(OPERATOR, group))
      const data = found.map(({ since, ...member }) => ({ ...member, since: isoTime(since) }))
      const rows = data.map((row) => [row.name, row.role, row.accepted ? 'yes' : 'invited', row.since])
      print(command, data, table([['ACCOUNT', 'ROLE', 'MEMBER', 'SINCE'], ...rows]))
    })
}

function invite(): Command {
  return storeCommand('invite', 'invite an account, or give somebody in the group another role')
    .argument('<group>', GROUP)
    .argument('<account>')
    .addOption(new Option('--role <role>', 'as what').choices(ROLES).default('members'))
    .option('--json', 'print as JSON')
    .action(async (name: string, account: string, { role }: { role: string }, command: Command) => {
      const group = groupNamed(name)
      const done = await withStore(command, ({ directory }) =>
        directory.groups.setRole(OPERATOR, group, account, parseRole(role)),
      )
      const text = done === 'invited' ? 'is invited to' : 'is in, or was invited to,'
      print(command, { group: name, account, role, result: done }, `${account} ${text} ${name} (${role}).`)
    })
}

function remove(): Command {
  return storeCommand('remove', 'remove an account from a group, or take its invitation back')
    .argument('<group>', GROUP)
    .argument('<account>')
    .option('--json', 'print as JSON')
    .action(async (name: string, account: string, _options, command: Command) => {
      const group = groupNamed(name)
      await withStore(command, ({ directory }) => directory.groups.removeMember(OPERATOR, group, account))
      print(command, { group: name, account, removed: true }, `${account} is no longer in ${name}.`)
    })
}

function drop(): Command {
  return storeCommand('delete', 'delete a group, and the shares with it; with an organisation all its groups')
    .argument('<group>', GROUP)
    .option('--json', 'print as JSON')
    .action(async (name: string, _options, command: Command) => {
      const group = groupNamed(name)
      await withStore(command, ({ directory }) => directory.groups.delete(OPERATOR, group))
      print(command, { group: name, deleted: true }, `${name} is deleted.`)
    })
}

function groupNamed(text: string): GroupAddress {
  const group = parseGroup(text)
  if (group) return group
  throw new Error(`'${text}' is not the name of a group; it is ${GROUP}.`)
}

async function accountId(directory: Directory, name: string): Promise<string> {
  const account = await directory.loadAccount(name)
  if (!account) throw new Error(`There is no account named '${name}'.`)
  return account.id
}
