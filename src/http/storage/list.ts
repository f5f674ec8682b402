/** `GET list[?recursive=true]`: what is in a folder. */
import { ROOT } from '../../space/names.js'
import type { ListResult, TreeResult } from '../../space/operations.js'
import type { Entry, FolderEntry } from '../../space/types.js'
import { type Answer, JSON_TYPE } from '../answer.js'
import type { SpaceCall } from '../novem/space-call.js'
import { flag } from '../target.js'
import { type Meta, metaOf } from './meta.js'
import { pathIdOf } from './path-id.js'
import { placeOf } from './place.js'

type Batches = AsyncIterable<readonly Entry[]>

export async function list(call: SpaceCall): Promise<Answer> {
  const { tree } = call.deps
  const at = placeOf(call)
  if (flag(call.query, 'recursive')) {
    const found: TreeResult = await tree.tree(call.op, at)
    return itemsAnswer(call, found.folder, found.batches)
  }
  const first = await tree.list(call.op, at, {})
  return itemsAnswer(call, first.folder, pages(call, first))
}

/** By the folder's id: all pages are of one folder, also when it moves meanwhile. */
async function* pages({ deps, op }: SpaceCall, first: ListResult): Batches {
  const folder = { path: ROOT, base: first.folder.id }
  yield first.entries
  for (let { cursor } = first; cursor !== undefined; ) {
    const page = await deps.tree.list(op, folder, { cursor })
    yield page.entries
    cursor = page.cursor
  }
}

function itemsAnswer(call: SpaceCall, folder: FolderEntry, batches: Batches): Answer {
  const headers = ['Content-Type', JSON_TYPE, 'Cache-Control', 'private, no-cache']
  return { status: 200, headers, body: items(call, folder, batches) }
}

async function* items({ deps, op }: SpaceCall, folder: FolderEntry, batches: Batches) {
  const prefix = folder.path === '' ? 0 : folder.path.length + 1
  let before = '{"items":['
  for await (const batch of batches) {
    if (batch.length === 0) continue
    const metas = await metaOf(deps.tree, op, batch)
    yield before + batch.map((entry) => JSON.stringify(item(entry, prefix, metas.get(entry.id)))).join()
    before = ','
  }
  yield before === ',' ? ']}' : `${before}]}`
}

/** `path` is relative to the folder that is listed; the ids are of the whole path. */
function item(entry: Entry, prefix: number, meta: Meta | undefined) {
  const pathId = pathIdOf(entry.path)
  const isDirectory = entry.kind === 'folder'
  return {
    path: entry.path.slice(prefix),
    pathId,
    id: pathId,
    size: isDirectory ? 0 : entry.size,
    updatedAt: entry.modified,
    isDirectory,
    ...(meta && { meta }),
  }
}
