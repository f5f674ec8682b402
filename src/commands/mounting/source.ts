import { openDirectVolume } from '../../../mount/direct.js'
import { openRemoteVolume } from '../../../mount/remote/volume.js'
import type { Volume } from '../../../mount/volume.js'
import type { StoreConfig } from '../../config.js'
import type { Log } from '../../log.js'
import { Watcher } from '../../space/watcher.js'
import { openStore } from '../../store.js'
import type { Access } from '../remote.js'

/** Where a space to be mounted is. It goes from one process to another as JSON. */
export type MountSource = RemoteSource | StoreSource

export interface RemoteSource extends Access {
  readonly kind: 'server'
  /** `notes`, `@ann~notes`. */
  readonly space: string
}

/** Straight in the store of a server of this machine, in the name of the space's owner. */
export interface StoreSource {
  readonly kind: 'store'
  readonly config: StoreConfig
  readonly owner: string
  readonly space: string
}

export interface OpenSource {
  readonly volume: Volume
  /** What the volume does not close itself. */
  close(): Promise<void>
}

export async function openSource(source: MountSource, log: Log): Promise<OpenSource> {
  if (source.kind === 'server') return { volume: await openRemoteVolume(source), close: async () => {} }
  const { config, owner, space } = source
  const store = await openStore(config, 'command', log)
  try {
    const { spaces: tree, blobs, directory } = store
    const watcher = new Watcher(await store.connect('mount'))
    const close = async () => {
      watcher.close()
      await store.close()
    }
    return { volume: await openDirectVolume({ tree, blobs, directory, watcher, log, owner, space }), close }
  } catch (error) {
    await store.close()
    throw error
  }
}
