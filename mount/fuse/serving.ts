import type { FileSystem, Invalidate } from '../filesystem.js'
import type { FuseOptions } from './index.js'
import { type KernelOptions, optionString } from './options.js'
import { Requests } from './requests.js'
import type { Ownership } from './stat.js'

/** One mount that is being served, in the way of its system. */
export interface Serving {
  /** Of the mount, under /sys/fs/fuse/connections; undefined where that is not known. */
  readonly connection: number | undefined
  readonly invalidate: Invalidate
  /** Resolves when the mount has gone and nothing more can come from it. */
  readonly ended: Promise<void>
  /** Ends it, whoever still uses it. */
  stop(): void
}

/** `path`: as `readyMountPoint` gives it. Mounts; where it rejects nothing is left behind. */
export type Serve = (path: string, fs: FileSystem, options: FuseOptions) => Promise<Serving>

/** What both ways make of the options. */
export function settingsOf(options: FuseOptions) {
  const { name, uid, gid, umask, readOnly = false, allowOther = false, nonEmpty = false } = options
  const owner: Ownership = {
    uid: uid ?? process.getuid?.() ?? 0,
    gid: gid ?? process.getgid?.() ?? 0,
    umask: umask ?? 0o022,
  }
  const chosen = uid ?? gid ?? umask
  const checkModes = allowOther || chosen !== undefined || options.checkModes === true
  const kernel: KernelOptions = { name, readOnly, allowOther, checkModes, nonEmpty }
  return { owner, mountOptions: optionString(kernel), requests: new Requests(options.longestWait) }
}
