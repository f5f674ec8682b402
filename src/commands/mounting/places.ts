import { resolve } from 'node:path'
import { InvalidArgumentError } from 'commander'

/** One `--mount <space>:<dir>` of a server. */
export interface MountPlace {
  /** Absent: whoever is the only one to have a space of that name. */
  readonly owner?: string
  readonly space: string
  readonly dir: string
}

/** `notes:/mnt/notes` or `@ann~notes:/mnt/notes`; to be used for an option that may be repeated. */
export function mountPlaces(text: string, before: readonly MountPlace[] = []): readonly MountPlace[] {
  const [, owner, space, dir] = /^(?:@([^~:]+)~)?([^~:@]+):(.+)$/.exec(text) ?? []
  if (space === undefined || dir === undefined) {
    throw new InvalidArgumentError('It must be a space and a folder such as notes:/mnt/notes.')
  }
  return [...before, { space, dir: resolve(dir), ...(owner !== undefined && { owner }) }]
}
