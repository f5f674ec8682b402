/** Brings a FileSystem to the kernel. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from '../../src/log.js'
import type { FileSystem, Invalidate } from '../filesystem.js'
import { createBridge } from './bridge.js'
import { Companion } from './companion.js'
import { fuseDescriptors, isFuse } from './descriptor.js'
import { KernelCache } from './kernel-cache.js'
import { ProcessMemory } from './memory.js'
import { readyMountPoint } from './mount-point.js'
import { mountAt } from './mounts.js'
import { Notifier } from './notifier.js'
import { Operations } from './operations.js'
import { optionString } from './options.js'
import { Requests } from './requests.js'
import { ThreadPool } from './thread-pool.js'
import { unmountAt } from './unmount.js'

export interface FuseOptions {
  /** What `mount` and `df` show: `notes`, `@ann~notes`. */
  readonly name: string
  readonly log: Log
  readonly readOnly?: boolean
  readonly allowOther?: boolean
  /** Mounts over a folder with something in it. */
  readonly nonEmpty?: boolean
  /** Of everything shown; default: this process's. */
  readonly uid?: number
  readonly gid?: number
  /** Default: 022. */
  readonly umask?: number
  /** How long the kernel may believe what it was told, as far as it can be told of changes. Default: 60. */
  readonly cacheSeconds?: number
}

export interface Mounted {
  /** Absolute path of the mount point. */
  readonly path: string
  /** To be called with what others have changed. */
  readonly invalidate: Invalidate
  /**
   * Takes the mount away and resolves when nothing more can come from it. Where programs still use it, it is taken out of
   * the tree and they are waited for; `force` (also in a second call) does not wait. The FileSystem is the caller's to close.
   */
  unmount(force?: boolean): Promise<void>
  /** Resolves when the mount has gone, by `unmount` or by somebody else (umount, fusermount3 -u). */
  readonly done: Promise<void>
}

const LONG_CACHE = 60
/** Where the kernel cannot be told of changes it asks again after this long. */
const SHORT_CACHE = 1
const WATCH_INTERVAL = 200

/** Mounts. Rejects with an Error that says what is in the way; nothing is left behind then. */
export async function mountFuse(dir: string, fs: FileSystem, options: FuseOptions): Promise<Mounted> {
  const { log } = options
  const nonEmpty = options.nonEmpty === true
  const path = await readyMountPoint(dir, nonEmpty, log)
  const owner = {
    uid: options.uid ?? process.getuid?.() ?? 0,
    gid: options.gid ?? process.getgid?.() ?? 0,
    umask: options.umask ?? 0o022,
  }
  const operations = new Operations(fs, owner, log)
  const requests = new Requests()
  const notifying = process.platform === 'linux'
  const companion = notifying ? new Companion() : undefined
  let cache: KernelCache | undefined
  const cacheSeconds = notifying ? (options.cacheSeconds ?? LONG_CACHE) : SHORT_CACHE
  const memory = ProcessMemory.open()
  const bridge = await createBridge({
    mountPoint: path,
    options: optionString({
      name: options.name,
      readOnly: options.readOnly === true,
      allowOther: options.allowOther === true,
      nonEmpty,
      cacheSeconds,
      keepPages: notifying,
    }),
    cacheSeconds,
    operations,
    memory,
    requests,
    beforeOpen: (file) => cache?.settled(file),
    holds: (serve) => pool?.holds(serve) === true,
    log,
  })
  const pool =
    companion &&
    new ThreadPool({
      ask: () => companion.statfs(path),
      keep: (busy) => {
        if (!bridge.keepThreads(busy)) log.warn('libfuse threads come and go')
      },
    })
  const before = fuseDescriptors()
  await bridge.mount()
  const descriptor = [...fuseDescriptors()].find((found) => !before.has(found))
  let notifier: Notifier | undefined
  if (companion && descriptor !== undefined) {
    const sender = new Notifier(descriptor)
    notifier = sender
    companion.watch(path, (await mountAt(path))?.minor ?? -1)
    cache = new KernelCache({
      inodeAt: (asked) => companion.inodeAt(path + asked),
      send: (messages) => sender.send(messages),
      requests,
    })
    await pool?.fill()
  }
  let forced = false
  const done = gone(path, descriptor, () => forced).then(async () => {
    cache?.close()
    notifier?.close()
    companion?.close()
    await operations.close()
    requests.close()
    memory?.close()
    await bridge.leave()
  })
  return {
    path,
    done,
    invalidate: (changes) => cache?.invalidate(changes),
    unmount: async (force = false) => {
      forced ||= force
      await takeAway(path, log)
      await done
    },
  }
}

async function takeAway(path: string, log: Log): Promise<void> {
  if (!(await mountAt(path))) return
  if ((await unmountAt(path)) === 'unmounted') return
  log.warn(`${path} is in use; it is taken away, and gone when the programs that use it let go.`)
  await unmountAt(path, { lazy: true })
}

/** Nobody tells when a mount ends; what shows is that libfuse closes its descriptor. */
async function gone(path: string, descriptor: number | undefined, giveUp: () => boolean): Promise<void> {
  const lives = async () =>
    descriptor === undefined ? (await mountAt(path)) !== undefined : isFuse(descriptor)
  while (!giveUp() && (await lives())) await sleep(WATCH_INTERVAL)
}
