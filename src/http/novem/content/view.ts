/** `?view=`: an entry, or a folder with what is in it, as one JSON object in exact terms. For programs that keep a copy. */
import { SpaceError } from '../../../space/errors.js'
import { pathString } from '../../../space/names.js'
import { quote } from '../../../space/quote.js'
import type { Entry, Location } from '../../../space/types.js'
import { type Answer, asFound, JSON_TYPE, jsonAnswer } from '../../answer.js'
import { textsOf } from '../../listings/kept.js'
import { metadata } from '../metadata.js'
import type { SpaceCall } from '../space-call.js'
import { entryHeaders } from './headers.js'
import { enclosed, pageJson, rowPieces } from './list.js'

/**
 * `view=entry`: the metadata of a file or folder. `view=children`: `{"folder": metadata, "children": […]}`, whole, however
 * large; TYPE_CLASH on a file. `X-NVM-Seq` is where the journal stood when the answer began.
 */
export async function viewAnswer(call: SpaceCall, at: Location, view: string): Promise<Answer> {
  switch (view) {
    case 'entry': {
      const found = await call.deps.tree.stat(call.op, at)
      return asFound(
        jsonAnswer(200, metadata(found.entry), [...entryHeaders(found), ...markHeaders(found)]),
        call.op,
        found,
      )
    }
    case 'children':
      return childrenAnswer(call, at)
    default:
      throw new SpaceError(
        'BAD_REQUEST',
        `The query parameter view must be "entry" or "children", not ${quote(view)}.`,
      )
  }
}

async function childrenAnswer(call: SpaceCall, at: Location): Promise<Answer> {
  const found = await call.deps.tree.look(call.op, at, {})
  const { entry, page } = found
  if (entry.kind === 'file' || !page) {
    throw new SpaceError('TYPE_CLASH', `${quote(pathString(at.path))} is a file, not a folder.`)
  }
  const headers = [...entryHeaders(found), ...markHeaders(found), 'Content-Type', JSON_TYPE]
  const before = `{"folder":${JSON.stringify(metadata(entry))},"children":[`
  if (page.cursor === undefined) {
    return { status: 200, headers, body: pageJson(child, page, before, ']}') }
  }
  return {
    status: 200,
    headers,
    body: enclosed(before, textsOf(rowPieces(call, entry.id, child, page)), ']}'),
  }
}

function markHeaders({
  mark,
}: {
  readonly mark: { readonly seq: number; readonly epoch: string }
}): string[] {
  return ['X-NVM-Seq', String(mark.seq), 'X-NVM-Epoch', mark.epoch]
}

/** Short: a folder may have a hundred thousand of them. Times in milliseconds since 1970. */
function child(entry: Entry): string {
  const { kind, id, name, size, etag, created, modified } = entry
  const common = `{"kind":"${kind}","id":${id},"name":${JSON.stringify(name)},"size":${size},"etag":"${etag}","created_ms":${created},"modified_ms":${modified}`
  return entry.kind === 'folder'
    ? `${common}}`
    : `${common},"md5":"${entry.md5}","executable":${entry.executable}}`
}
