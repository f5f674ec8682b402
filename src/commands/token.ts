import { Command } from 'commander'
import { accountOf, isoTime, print, storeCommand, table, withStore } from './common.js'

/** `novem-spaces token …`: the keys to accounts. Values are shown when they are made and never again. */
export function tokenCommand(): Command {
  return new Command('token')
    .description('tokens: make, list and revoke them')
    .addCommand(addCommand())
    .addCommand(listCommand())
    .addCommand(revokeCommand())
}

function addCommand(): Command {
  return storeCommand('add', 'make a token; it is the last line printed')
    .argument('<account>')
    .option('--name <name>', 'what to call it, for listing and revoking')
    .option('--description <text>', 'what it is for')
    .option('--json', 'print as JSON')
    .action(async (name: string, options: { name?: string; description?: string }, command: Command) => {
      const made = await withStore(command, async ({ directory }) => {
        const account = await accountOf(directory, name)
        return directory.createToken(account.id, options)
      })
      print(
        command,
        { account: name, id: made.id, name: made.name, created_on: isoTime(made.created), token: made.token },
        `Token ${made.name} of account ${name}, shown only now:\n${made.token}`,
      )
    })
}

function listCommand(): Command {
  return storeCommand('list', 'show the tokens of an account, without their values')
    .argument('<account>')
    .option('--json', 'print as JSON')
    .action(async (name: string, _options, command: Command) => {
      const tokens = await withStore(command, async ({ directory }) => {
        const account = await accountOf(directory, name)
        return directory.listTokens(account.id)
      })
      const data = tokens.map(({ id, name, description, created }) => ({
        id,
        name,
        description,
        created_on: isoTime(created),
      }))
      const rows = data.map((token) => [token.name, token.created_on, token.description])
      print(command, data, table([['NAME', 'CREATED', 'DESCRIPTION'], ...rows]))
    })
}

function revokeCommand(): Command {
  return storeCommand('revoke', 'make a token worthless from now on')
    .argument('<account>')
    .argument('<token>', 'its name or id, not its value')
    .option('--json', 'print as JSON')
    .action(async (name: string, token: string, _options, command: Command) => {
      const id = await withStore(command, async ({ directory }) => {
        const account = await accountOf(directory, name)
        return directory.revokeToken(account.id, token)
      })
      print(command, { account: name, id, revoked: true }, `Token ${token} of account ${name} is revoked.`)
    })
}
