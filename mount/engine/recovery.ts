/** Takes over what an earlier mount of the space had acknowledged and not sent (contract §10, design "Mount"). */
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Log } from '../../src/log.js'
import { foldName } from '../../src/space/names.js'
import type { Item, Volume } from '../volume.js'
import { isCode } from './errno.js'
import type { Files } from './files.js'
import { type Intent, IntentLog } from './intents.js'
import { conflictName } from './names.js'
import { attach, FileNode, type FolderNode } from './nodes.js'
import type { SendQueue } from './queue.js'
import type { Tree } from './tree.js'

export interface RecoveryParts {
  readonly volume: Volume
  readonly tree: Tree
  readonly files: Files
  readonly queue: SendQueue
  readonly workDir: string
  readonly host: string
  /** The file has another name than the log says. */
  readonly renamed: (node: FileNode) => void
  readonly log: Log
}

/** Reads the log before a new one is opened; work files that no intent names were never acknowledged, and go. */
export function readLeftovers(logPath: string, workDir: string): Intent[] {
  const intents = IntentLog.read(logPath).filter(({ work }) => existsSync(join(workDir, work)))
  const named = new Set(intents.map(({ work }) => work))
  for (const name of readdirSync(workDir)) if (!named.has(name)) rmSync(join(workDir, name), { force: true })
  return intents
}

/** Puts the files back where they were, unsent, and queues them in their old order. */
export async function recover(parts: RecoveryParts, intents: readonly Intent[]): Promise<void> {
  if (intents.length === 0) return
  parts.log.info(`${intents.length} files that an earlier mount did not get to send are sent now.`)
  // One of two versions of a file may turn out not to be wanted any more.
  parts.queue.hold()
  for (const intent of intents) await recoverOne(parts, intent)
  parts.queue.start()
}

async function recoverOne(parts: RecoveryParts, intent: Intent): Promise<void> {
  const { files, queue } = parts
  const node = await placeOf(parts, intent)
  // It ended in the middle of renaming a version onto another that was not sent either.
  const replaced = node.content?.work
  queue.forget(node)
  const content = files.recover(node, intent.work)
  content.base = intent.ifMatch === undefined ? undefined : baseOf(node, intent.ifMatch)
  content.modified = intent.modified
  content.executable = intent.executable
  for (const md5 of intent.attempts) node.attempts.add(md5)
  // It may have been sent just before the end.
  const md5 = await content.work?.md5()
  if (md5) node.attempts.add(md5)
  queue.adopt(node, intent)
  const isElsewhere = node.parent?.item.id !== intent.base || foldName(node.name) !== foldName(intent.name)
  if (isElsewhere) parts.renamed(node)
  replaced?.remove()
}

async function placeOf(parts: RecoveryParts, intent: Intent): Promise<FileNode> {
  const { tree, host, log } = parts
  const folder = await folderOf(parts, intent.base)
  if (folder) {
    const there = await tree.child(folder, intent.name)
    const known = there && (await tree.fresh(there))
    if (known?.kind === 'file') return known
    return newFile(folder, known ? conflictName(intent.name, host, new Date()) : intent.name)
  }
  log.warn(`The folder of "${intent.path}" is gone; what was not sent of it is kept in the root.`)
  return newFile(tree.root, conflictName(intent.name, host, new Date(), intent.n))
}

function newFile(folder: FolderNode, name: string): FileNode {
  const node = new FileNode(name, -1)
  attach(folder, node, name)
  return node
}

async function folderOf({ volume, tree }: RecoveryParts, id: number): Promise<FolderNode | undefined> {
  if (id === tree.root.item.id) return tree.root
  try {
    const { path } = await volume.stat({ base: id, path: '' })
    const node = await tree.find(path)
    return node?.kind === 'folder' ? node : undefined
  } catch (error) {
    if (isCode(error, 'NOT_FOUND', 'NO_PARENT', 'TYPE_CLASH')) return undefined
    throw error
  }
}

/** The version the bytes began from; of one that is no longer there only the etag counts. */
function baseOf(node: FileNode, etag: string): Item {
  const { item } = node
  if (item?.etag === etag) return item
  return {
    id: -1,
    kind: 'file',
    name: node.name,
    size: 0,
    etag,
    created: 0,
    modified: 0,
    executable: false,
    md5: '',
    ...(item && { id: item.id }),
  }
}
