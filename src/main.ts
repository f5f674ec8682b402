#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { accountCommand } from './commands/account.js'
import { exportCommand, importCommand } from './commands/archive.js'
import { backupCommand, restoreCommand } from './commands/backup.js'
import { EXIT_CODES } from './commands/common.js'
import { fsckCommand } from './commands/fsck.js'
import { gcCommand } from './commands/gc.js'
import { groupCommand } from './commands/group.js'
import { mountCommand } from './commands/mount.js'
import { serveCommand } from './commands/serve.js'
import { sharingCommands } from './commands/sharing.js'
import { statusCommand } from './commands/status.js'
import { tokenCommand } from './commands/token.js'
import { unmountCommand } from './commands/unmount.js'
import { userCommand } from './commands/user.js'

/** The command line. Each command has a file of its own in `commands/`. */
function program(): Command {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  const commands = new Command('novem-spaces')
    .description('A file store with a gap-free change journal, over HTTP.')
    .version(version)
    .addCommand(serveCommand())
    .addCommand(userCommand())
    .addCommand(tokenCommand())
    .addCommand(groupCommand())
    .addCommand(fsckCommand())
    .addCommand(gcCommand())
    .addCommand(backupCommand())
    .addCommand(restoreCommand())
    .addCommand(exportCommand())
    .addCommand(importCommand())
    .addCommand(accountCommand())
    .addCommand(mountCommand())
    .addCommand(unmountCommand())
    .addCommand(statusCommand())
  for (const command of sharingCommands()) commands.addCommand(command)
  return commands
}

/** Wrong usage ends with 2 on every level, and every level's help ends with the exit codes. */
function prepare(command: Command): Command {
  command
    .exitOverride()
    .showHelpAfterError('(--help shows what is possible)')
    .addHelpText('after', EXIT_CODES)
  for (const child of command.commands) prepare(child)
  return command
}

try {
  await prepare(program()).parseAsync()
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : 2
  } else {
    process.stderr.write(`novem-spaces: ${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
  }
}
