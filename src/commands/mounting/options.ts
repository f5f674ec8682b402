import { join, resolve } from 'node:path'
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { MountSettings } from '../../../mount/mount.js'
import { userFolder } from '../../user-folders.js'

/** What `mount` says about how a space is to be mounted; `mount.novem-spaces` says the same in other words. */
export interface MountFlags {
  readonly readOnly?: boolean
  readonly write: 'through' | 'back'
  readonly cacheDir: string
  readonly cacheSize: number
  readonly allowOther?: boolean
  readonly nonempty?: boolean
  readonly uid?: number
  readonly gid?: number
  readonly umask?: number
}

export const DEFAULT_CACHE_BYTES = 5 * 1024 ** 3

export function withMountFlags(command: Command): Command {
  return command
    .option('--read-only', 'let nobody write')
    .addOption(
      new Option(
        '--write <mode>',
        'what closing a file promises: through, the server has it; back, it is safe in the cache folder',
      )
        .choices(['through', 'back'])
        .default('through'),
    )
    .addOption(
      new Option('--cache-dir <folder>', 'where files are kept, and those not sent yet')
        .default(defaultCacheDir())
        .argParser((text: string) => resolve(text)),
    )
    .addOption(
      new Option('--cache-size <size>', 'so much of what was read is kept, such as 500M or 10G')
        .default(DEFAULT_CACHE_BYTES, '5G')
        .argParser(size),
    )
    .option('--allow-other', 'let other users of this machine in')
    .option('--nonempty', 'mount over a folder that is not empty')
    .option('--uid <number>', 'owner of everything shown (default: you)', number)
    .option('--gid <number>', 'group of everything shown (default: yours)', number)
    .option('--umask <octal>', 'permissions taken away (default: 022)', octal)
}

export function settingsOf(flags: MountFlags, dir: string, server: string): MountSettings {
  const { write, cacheDir, cacheSize, readOnly, allowOther, nonempty, uid, gid, umask } = flags
  return {
    dir: resolve(dir),
    server,
    cacheDir,
    cacheBytes: cacheSize,
    write,
    readOnly: readOnly === true,
    allowOther: allowOther === true,
    nonEmpty: nonempty === true,
    ...(uid !== undefined && { uid }),
    ...(gid !== undefined && { gid }),
    ...(umask !== undefined && { umask }),
  }
}

export function defaultCacheDir(): string {
  return join(userFolder('cache'), 'novem-spaces')
}

const UNITS = ['', 'K', 'M', 'G', 'T']

/** `500M`, `10G`, `1073741824`: bytes. */
export function size(text: string): number {
  const [, digits, unit = ''] = /^(\d{1,15}(?:\.\d{1,3})?)([KMGT]?)(?:i?B)?$/i.exec(text) ?? []
  if (digits === undefined) throw new InvalidArgumentError('It must be a size such as 500M or 10G.')
  return Math.floor(Number(digits) * 1024 ** UNITS.indexOf(unit.toUpperCase()))
}

export function number(text: string): number {
  if (/^\d{1,10}$/.test(text) && Number(text) < 0xffff_ffff) return Number(text)
  throw new InvalidArgumentError('It must be a number as the command id shows it.')
}

export function octal(text: string): number {
  if (/^0?[0-7]{1,3}$/.test(text)) return Number.parseInt(text, 8)
  throw new InvalidArgumentError('It must be an octal number such as 022.')
}
