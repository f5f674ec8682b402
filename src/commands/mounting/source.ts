import { openDirectVolume } from '../../../mount/direct.js'
import { openRemoteVolume } from '../../../mount/remote/volume.js'
import type { Volume } from '../../../mount/volume.js'
import type { Directory } from '../../accounts/directory.js'
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
  /** Absent: whoever is the only one to have a space of that name. */
  readonly owner?: string
  readonly space: string
}

export interface OpenSource {
  readonly volume: Volume
  /** What the volume does not close itself. */
  close(): Promise<void>
}

export async function openSource(source: MountSource, log: Log): Promise<OpenSource> {
  if (source.kind === 'server') return { volume: await openRemoteVolume(source), close: async () => {} }
  const { config, space } = source
  const store = await openStore(config, 'command', log)
  try {
    const { spaces: tree, blobs, directory } = store
    const owner = source.owner ?? (await onlyOwner(directory, space))
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

async function onlyOwner(directory: Directory, space: string): Promise<string> {
  const accounts = await directory.listAccounts()
  const found = await Promise.all(
    accounts.map(async ({ name }) => {
      const { space: there } = await directory.load(undefined, { owner: name, name: space })
      return there ? [name] : []
    }),
  )
  const owners = found.flat()
  const [owner] = owners
  if (owner === undefined) throw new Error(`There is no space "${space}".`)
  if (owners.length > 1) {
    throw new Error(`There are several spaces "${space}"; say whose: @${owner}~${space}.`)
  }
  return owner
}
