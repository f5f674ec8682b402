import { text } from 'node:stream/consumers'
import { Command, Option } from 'commander'
import { PLAN_NAMES } from '../accounts/plans.js'
import type { Account } from '../accounts/types.js'
import { isoTime, print, storeCommand, table, withStore } from './common.js'

/** `novem-spaces user …`: the operator's view of accounts. */
export function userCommand(): Command {
  return new Command('user')
    .description('accounts: add, change, list and delete them')
    .addCommand(addCommand())
    .addCommand(setCommand())
    .addCommand(listCommand())
    .addCommand(deleteCommand())
}

function addCommand(): Command {
  return storeCommand('add', 'make an account and a first token; the token is the last line printed')
    .argument('<name>', 'small letters, digits, - and _')
    .option('--email <address>', 'where invitations for this account go')
    .addOption(planOption().default('free'))
    .option('--password <password>', 'lets the account ask for tokens itself; without one only you make them')
    .addOption(passwordStdinOption())
    .option('--json', 'print as JSON')
    .action(async (name: string, options: AddOptions, command) => {
      const { email, plan } = options
      const password = await passwordOf(options)
      const made = await withStore(command, async ({ directory }) => {
        const account = await directory.createAccount({ name, email, plan, password })
        return { account, token: await directory.createToken(account.id) }
      })
      print(
        command,
        { ...accountData(made.account), token_name: made.token.name, token: made.token.token },
        `Account ${name} on plan ${plan}. Its token is shown only now:\n${made.token.token}`,
      )
    })
}

/** For a password that neither the list of processes nor the shell's history is to hold. */
function passwordStdinOption(): Option {
  return new Option('--password-stdin', 'the same, read from stdin').conflicts('password')
}

async function passwordOf<P>({
  password,
  passwordStdin,
}: PasswordOptions<P>): Promise<P | string | undefined> {
  return passwordStdin ? (await text(process.stdin)).replace(/\r?\n$/, '') : password
}

function setCommand(): Command {
  return storeCommand('set', 'change an account; what is not given stays')
    .argument('<name>')
    .option('--email <address>', '"" takes the address away')
    .addOption(planOption())
    .option('--password <password>', 'new password')
    .addOption(passwordStdinOption())
    .option('--no-password', 'take the password away')
    .addOption(
      new Option('--spaces <state>', 'the early-access flag: may this account use spaces?').choices([
        'on',
        'off',
      ]),
    )
    .option('--json', 'print as JSON')
    .action(async (name: string, options: SetOptions, command: Command) => {
      const { email, plan, spaces } = options
      const password = await passwordOf(options)
      const account = await withStore(command, ({ directory }) =>
        directory.setAccount(name, {
          email,
          plan,
          password: password === false ? null : password,
          spacesEnabled: spaces === undefined ? undefined : spaces === 'on',
        }),
      )
      print(command, accountData(account), accountTable([account]))
    })
}

interface PasswordOptions<P> {
  readonly password?: P
  readonly passwordStdin?: true
}

interface AddOptions extends PasswordOptions<string> {
  readonly email?: string
  readonly plan: string
}

/** `password` is false: --no-password. */
interface SetOptions extends PasswordOptions<string | false> {
  readonly email?: string
  readonly plan?: string
  readonly spaces?: 'on' | 'off'
}

function planOption(): Option {
  return new Option('--plan <plan>', 'what the account may store').choices(PLAN_NAMES)
}

function listCommand(): Command {
  return storeCommand('list', 'show all accounts')
    .option('--json', 'print as JSON')
    .action(async (_options, command: Command) => {
      const accounts = await withStore(command, ({ directory }) => directory.listAccounts())
      print(command, accounts.map(accountData), accountTable(accounts))
    })
}

function deleteCommand(): Command {
  return storeCommand('delete', 'delete an account with its spaces, tokens, groups and invitations; at once')
    .argument('<name>')
    .option('--json', 'print as JSON')
    .action(async (name: string, _options, command: Command) => {
      const deleted = await withStore(command, async ({ directory, spaces }) => {
        const { spaces: ids } = await directory.deleteAccount(name)
        // Nobody finds them any more; a server that runs, or the next gc, frees what this does not get to.
        for (const id of ids) await spaces.deleteSpace(id)
        return ids.length
      })
      print(
        command,
        { name, deleted: true, spaces: deleted },
        `Account ${name} is deleted, with ${deleted} spaces.`,
      )
    })
}

function accountData(account: Account) {
  return {
    name: account.name,
    id: account.id,
    email: account.email,
    plan: account.plan.name,
    spaces: account.spacesEnabled,
    created_on: isoTime(account.created),
  }
}

function accountTable(accounts: readonly Account[]): string {
  return table([
    ['NAME', 'PLAN', 'SPACES', 'E-MAIL', 'CREATED'],
    ...accounts.map(({ name, plan, spacesEnabled, email, created }) => [
      name,
      plan.name,
      spacesEnabled ? 'on' : 'off',
      email || '-',
      isoTime(created),
    ]),
  ])
}
