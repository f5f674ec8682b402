import { type MountSettings, mountSpace } from '../../../mount/mount.js'
import type { Log } from '../../log.js'
import { growYoungGeneration } from '../../young-generation.js'
import { type MountSource, openSource } from './source.js'

/** What is to be mounted, and how. It goes from one process to another as JSON. */
export interface MountRequest {
  readonly source: MountSource
  readonly settings: MountSettings
}

export interface MountRun {
  /** `Mounted notes at /mnt (…)`. */
  readonly ready: string
  /** Unmounts; asked again it does not wait for programs that use the mount, nor for what is still to be sent. */
  stop(): void
  /** Resolves when all has ended. */
  readonly done: Promise<void>
}

/** Mounts in this process. Rejects with an Error that says what is in the way. */
export async function runMount({ source, settings }: MountRequest, log: Log): Promise<MountRun> {
  growYoungGeneration()
  const { volume, close } = await openSource(source, log)
  try {
    const mount = await mountSpace(volume, settings, log)
    let stops = 0
    const stop = () => {
      stops++
      // Nothing is lost: what was not sent stays in the cache folder.
      if (stops > 2) process.exit(1)
      mount.unmount(stops > 1).catch((error) => log.error(String(error)))
    }
    const done = mount.done.then(async (unsent) => {
      await close()
      if (unsent > 0) log.warn(`${unsent} files are not sent yet; they are when the space is mounted again.`)
    })
    return { ready: mount.ready, stop, done }
  } catch (error) {
    await close()
    throw error
  }
}
