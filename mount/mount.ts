/** Puts a mount together: a Volume, the engine that makes a FileSystem of it, and the kernel. */
import { createHash } from 'node:crypto'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { Log } from '../src/log.js'
import { type MountState, openFileSystem } from './engine/index.js'
import { type Mounted, mountFuse } from './fuse/index.js'
import { removeRecord, writeRecord } from './records.js'
import { takeSlot } from './slot.js'
import type { Volume } from './volume.js'

/** How a space is to be mounted. */
export interface MountSettings {
  readonly dir: string
  /** Where the space is, for people: a URL or a data folder. */
  readonly server: string
  /** Holds a folder for each space. */
  readonly cacheDir: string
  /** Of bytes that are kept for reading. */
  readonly cacheBytes: number
  /** What close(2) promises: the server has it, or it is safe in the cache folder and on its way. */
  readonly write: 'through' | 'back'
  readonly readOnly: boolean
  readonly allowOther: boolean
  readonly nonEmpty: boolean
  readonly uid?: number
  readonly gid?: number
  readonly umask?: number
}

/** What `status` is told. */
export interface MountStatus extends MountState {
  readonly process: number
  readonly space: string
  readonly server: string
  readonly mountPoint: string
  readonly write: 'through' | 'back'
  readonly readOnly: boolean
  readonly cacheDir: string
  readonly cacheLimit: number
}

export interface SpaceMount {
  /** `Mounted notes at /mnt (…)`. */
  readonly ready: string
  /** See `Mounted`. */
  unmount(force?: boolean): Promise<void>
  /** Resolves when the mount has gone and what could be sent has been; with the number of files that still wait in the cache folder. */
  readonly done: Promise<number>
}

/** Rejects with an Error that says what is in the way; then nothing is left behind, and `volume` is closed. */
export async function mountSpace(volume: Volume, settings: MountSettings, log: Log): Promise<SpaceMount> {
  const closers: (() => Promise<unknown>)[] = [() => volume.close()]
  try {
    const info = await volume.info()
    const base = join(settings.cacheDir, createHash('sha256').update(info.id).digest('hex').slice(0, 16))
    let status: () => MountStatus | undefined = () => undefined
    const slot = await takeSlot(base, () => JSON.stringify(status() ?? {}))
    closers.push(() => slot.release())
    for (const folder of slot.forgotten) {
      log.warn(
        `${folder} holds files of another mount of this space that were never sent. Mount it once more to send them.`,
      )
    }
    let mounted: Mounted | undefined
    const { fs, state } = await openFileSystem(volume, {
      cacheDir: slot.folder,
      cacheBytes: settings.cacheBytes,
      write: settings.write,
      readOnly: settings.readOnly,
      host: hostname(),
      log,
      invalidate: (changes) => mounted?.invalidate(changes),
    })
    closers[0] = () => fs.close()
    mounted = await mountFuse(settings.dir, fs, {
      ...settings,
      name: info.name,
      checkModes: !info.writable,
      log,
    })
    const { path } = mounted
    await writeRecord({ mountPoint: path, space: info.name, server: settings.server, cacheDir: slot.folder })
    status = () => ({
      ...state(),
      process: process.pid,
      space: info.name,
      server: settings.server,
      mountPoint: path,
      write: settings.write,
      readOnly: settings.readOnly || !info.writable,
      cacheDir: slot.folder,
      cacheLimit: settings.cacheBytes,
    })
    const end = async () => {
      await mounted.done
      await fs.close()
      const { unsent } = state()
      if (unsent.length === 0) await removeRecord(path)
      await slot.release()
      return unsent.length
    }
    const how = settings.readOnly || !info.writable ? 'read only' : `writes ${settings.write}`
    return {
      ready: `Mounted ${info.name} at ${path} (${how}, ${settings.server}, cache in ${slot.folder})`,
      unmount: (force) => mounted.unmount(force),
      done: end(),
    }
  } catch (error) {
    for (const close of closers) await close()
    throw error
  }
}
