/** Brings a FileSystem to the kernel. */
import type { Log } from '../../src/log.js'
import type { FileSystem, Invalidate } from '../filesystem.js'
import { readyMountPoint } from './mount-point.js'
import { checkRequirements } from './requirements.js'
import { Session } from './session.js'

export interface FuseOptions {
  /** What `mount` and `df` show: `notes`, `@ann~notes`. */
  readonly name: string
  readonly log: Log
  readonly readOnly?: boolean
  readonly allowOther?: boolean
  /**
   * Programs are held to owners and modes, as `access(2)` tells them. Always so where others are let in, or owner or modes
   * were chosen. Default: false; the file system refuses what it must, and only this user gets in.
   */
  readonly checkModes?: boolean
  /** Mounts over a folder with something in it. */
  readonly nonEmpty?: boolean
  /** Of everything shown; default: this process's. */
  readonly uid?: number
  readonly gid?: number
  /** Default: 022. */
  readonly umask?: number
  /** How long the kernel may believe what it was told, as far as it can be told of changes. Default: 60. */
  readonly cacheSeconds?: number
  /** When what waits for no bytes is given up, in milliseconds. Default: 120,000. */
  readonly longestWait?: number
}

export interface Mounted {
  /** Absolute path of the mount point. */
  readonly path: string
  /** To be called with what others have changed. */
  readonly invalidate: Invalidate
  /**
   * Takes the mount away and resolves when nothing more can come from it. Where programs still use it, it is taken out of
   * the tree and they are waited for; with `force` (also in a second call) they get errors instead. The FileSystem is the
   * caller's to close.
   */
  unmount(force?: boolean): Promise<void>
  /** Resolves when the mount has gone, by `unmount` or by somebody else (umount, fusermount3 -u). */
  readonly done: Promise<void>
}

/** Mounts. Rejects with an Error that says what is in the way; nothing is left behind then. */
export async function mountFuse(dir: string, fs: FileSystem, options: FuseOptions): Promise<Mounted> {
  await checkRequirements({ allowOther: options.allowOther === true })
  const path = await readyMountPoint(dir, options.nonEmpty === true, options.log)
  return Session.start(path, fs, options)
}
