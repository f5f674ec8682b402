import { Command } from 'commander'
import type { Directory } from '../accounts/directory.js'
import type { Account } from '../accounts/types.js'
import { storeConfig, withStoreSettings } from '../config.js'
import type { Log } from '../log.js'
import { openStore, type Store } from '../store.js'

/** What a process ends with. Every command's --help shows this. */
export const EXIT_CODES = `
Exit codes:
  0  done
  1  failed; the reason is on stderr
  2  wrong usage: an unknown command or option, a missing argument, a bad value
  3  fsck only: something is wrong, or was before it was repaired`

/** Commands speak to a person at a terminal: warnings go to stderr as they are. */
export const commandLog: Log = {
  info() {},
  warn: (message) => process.stderr.write(`${message}\n`),
  error: (message) => process.stderr.write(`${message}\n`),
}

/** A command that works on the data, beside a running server or without one. */
export function storeCommand(nameAndArguments: string, description: string): Command {
  return withStoreSettings(new Command(nameAndArguments).description(description))
}

/** Opens the store of a command's settings, runs `work` on it and closes it whatever happens. */
export async function withStore<T>(command: Command, work: (store: Store) => Promise<T>): Promise<T> {
  const store = await openStore(storeConfig(command), 'command', commandLog)
  try {
    return await work(store)
  } finally {
    await store.close()
  }
}

/** The account of that name; rejects where there is none. */
export async function accountOf(directory: Directory, name: string): Promise<Account> {
  const account = await directory.loadAccount(name)
  if (!account) throw new Error(`There is no account named '${name}'.`)
  return account
}

/** Data go to stdout: as JSON for programs where --json was given, else as text. */
export function print(command: Command, data: unknown, text: string): void {
  const json = command.opts<{ json?: boolean }>().json === true
  process.stdout.write(`${json ? JSON.stringify(data, null, 2) : text}\n`)
}

/** Columns as wide as their widest cell, the first row is the heading. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** A moment as people and programs read it. */
export function isoTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}
