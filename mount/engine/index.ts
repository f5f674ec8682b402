/** Puts a mounted space together: cache folder, tree, journal, open files, sending, and what an earlier mount left. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Log } from '../../src/log.js'
import { BlobCache } from '../cache/blob-cache.js'
import type { FileSystem, Invalidate } from '../filesystem.js'
import type { Item, Volume } from '../volume.js'
import type { Version } from './content.js'
import { Engine } from './engine.js'
import { Files, type Sending } from './files.js'
import { Follower } from './follower.js'
import { IntentLog } from './intents.js'
import { intentLogOf, workFolderOf } from './leftovers.js'
import { Namespace } from './namespace.js'
import type { FileNode } from './nodes.js'
import { SendQueue, type Unsent } from './queue.js'
import { readLeftovers, recover } from './recovery.js'
import { Room } from './room.js'
import { type Saving, WriteBack, WriteThrough } from './saving.js'
import { Sender } from './sender.js'
import { Takeback } from './takeback.js'
import { Tree } from './tree.js'

export interface EngineSettings {
  /** A folder of this mount's own; one mount at a time. */
  readonly cacheDir: string
  /** Clean bytes kept there, at most. */
  readonly cacheBytes: number
  /** What close(2) promises: the server has it, or it is safe in the cache folder and on its way. */
  readonly write: 'through' | 'back'
  readonly readOnly: boolean
  /** Names this mount in conflict copies. */
  readonly host: string
  readonly log: Log
  readonly invalidate: Invalidate
}

/** For `novem-spaces status`. */
export interface MountState {
  readonly online: boolean
  readonly unsent: readonly Unsent[]
  /** Bytes that are kept for reading. */
  readonly cacheBytes: number
}

export interface MountedSpace {
  readonly fs: FileSystem
  state(): MountState
}

/** Rejects with SpaceError where the server does not answer or does not let in. */
export async function openFileSystem(volume: Volume, settings: EngineSettings): Promise<MountedSpace> {
  const { log, cacheDir, readOnly } = settings
  const host = settings.host.replace(/[^A-Za-z0-9._-]/g, '-') || 'mount'
  const workDir = workFolderOf(cacheDir)
  const logPath = intentLogOf(cacheDir)
  mkdirSync(workDir, { recursive: true, mode: 0o700 })
  const leftovers = readLeftovers(logPath, workDir)

  // The journal's place is known before anything is looked up: what changes meanwhile has a row.
  const info = await volume.info()
  const root = await volume.stat({ base: 0, path: '' })
  const takeback = new Takeback(settings.invalidate)
  const tree = new Tree(volume, takeback, root)
  const cache = new BlobCache(join(cacheDir, 'blobs'), { maxBytes: settings.cacheBytes, log })
  const room = new Room(volume, info, () => queue.bytes)
  const outdated = ({ etag, size }: Item) => cache.discard(etag, size)
  const renamed = (node: FileNode) => saving.renamed(node)
  const arrived = (node: FileNode, version: Version) => queue.arrived(node, version)
  const sender = new Sender({ volume, tree, takeback, room, log, host, outdated, renamed, arrived })
  const settle = (node: FileNode) => files.settle(node)
  const intents = new IntentLog(logPath, leftovers)
  const queue = new SendQueue(sender, intents, log, settle)
  const back = new WriteBack(queue)
  const saving: Saving =
    settings.write === 'back'
      ? back
      : new WriteThrough({
          ...{ sender, back },
          log,
          settle,
          takeback,
          reach: () => follower.reach(),
          unsavedDir: join(cacheDir, 'unsaved'),
        })
  const files: Files = new Files(
    { volume, tree, cache, room, takeback, log, workDir },
    saving satisfies Sending,
  )
  const moved = async (node: FileNode) => {
    if (node.content && node.parent) await tree.identify(node.parent)
    if (node.content?.intent) renamed(node)
  }
  const onReturn = () => queue.retry()
  const follower: Follower = new Follower(volume, tree, takeback, log, info.cursor, onReturn, (node) => {
    // Else the log says where it was, and a mount after a kill makes a new file there.
    moved(node).catch((error: Error) =>
      log.warn(`"${node.path}" was moved by somebody else: ${error.message}`),
    )
  })

  const names = new Namespace({ volume, tree, files, saving, follower, takeback, room, log, outdated })

  await recover({ volume, tree, files, queue, workDir, host, renamed, log }, leftovers)
  follower.start()
  const fs = new Engine({
    volume,
    tree,
    names,
    files,
    saving,
    follower,
    room,
    takeback,
    readOnly,
    onClose: async () => {
      if (settings.write === 'through') await queue.close(30_000)
      intents.close()
      cache.close()
      await volume.close()
    },
  })
  return { fs, state: () => ({ online: follower.online, unsent: queue.unsent(), cacheBytes: cache.bytes }) }
}
