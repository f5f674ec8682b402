import type { Command } from 'commander'
import { endSpace, makeSpace } from '../accounts/lifecycle.js'
import { exportSpace } from '../archive/export.js'
import { importSpace } from '../archive/import.js'
import { checkResourceName } from '../space/names.js'
import type { OpContext } from '../space/types.js'
import type { Store } from '../store.js'
import { accountOf, storeCommand, withStore } from './common.js'

/** `novem-spaces export @ann~notes > notes.tar` */
export function exportCommand(): Command {
  return storeCommand('export', 'write a space to stdout as a tar, with its journal')
    .argument('<space>', '@owner~space')
    .action(async (space: string, _options, command: Command) => {
      if (process.stdout.isTTY) command.error('error: export writes a tar: send it to a file, or on to tar.')
      const { owner, name } = addressOf(command, space)
      await withStore(command, async (store) => {
        const op = await operationOn(store, owner, name)
        await exportSpace(store, op, name, process.stdout)
      })
    })
}

/** `novem-spaces import @ann~notes < notes.tar` */
export function importCommand(): Command {
  return storeCommand('import', 'make a space of what export has written, read from stdin')
    .argument('<space>', '@owner~space; it is made, and must not be there')
    .action(async (space: string, _options, command: Command) => {
      const { owner, name } = addressOf(command, space)
      const { files, folders } = await withStore(command, async (store) => {
        const { directory, spaces } = store
        const account = await accountOf(directory, owner)
        await makeSpace(directory, spaces, account.id, name)
        try {
          return await importSpace(store, await operationOn(store, owner, name), process.stdin)
        } catch (error) {
          await endSpace(directory, spaces, account.id, name)
          throw error
        }
      })
      process.stdout.write(`${space}: ${files} files and ${folders} folders.\n`)
    })
}

/** As its owner, within the owner's plan. */
async function operationOn({ directory }: Store, owner: string, name: string): Promise<OpContext> {
  const { id } = await accountOf(directory, owner)
  const { session, space } = await directory.loadAs(id, { name })
  if (!session || !space) throw new Error(`There is no space "@${owner}~${name}".`)
  return { space: space.id, caller: session.caller, limits: session.account.plan }
}

function addressOf(command: Command, space: string): { readonly owner: string; readonly name: string } {
  const [, owner, name] = /^@([^~]+)~(.+)$/.exec(space) ?? []
  if (owner === undefined || name === undefined) {
    return command.error(`error: "${space}" is no space; they are written @owner~space.`, { exitCode: 2 })
  }
  return { owner, name: checkResourceName('space', name) }
}
