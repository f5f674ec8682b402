/** PROPFIND (RFC 4918 §9.1): one step for the entry and its first page; large folders and trees as a stream. */
import { type Answer, asFound } from '../../http/answer.js'
import type { Asked } from '../../http/listings/kept.js'
import type { Entry } from '../../space/types.js'
import { type DavCall, type EntryCall, entryCall } from '../call.js'
import { DavError } from '../errors.js'
import { type Depth, depthOf, prefersMinimal } from '../headers.js'
import { withIf } from '../if-check.js'
import { membersAnswer } from '../members.js'
import { type Renderer, rendererOf } from '../properties/render.js'
import { parsePropfind } from '../properties/request.js'
import { type EntryWriter, writerOf } from '../writer.js'
import { readXmlBody } from '../xml/body.js'
import { CLOSE, multistatus, OPEN } from '../xml/multistatus.js'
import { topAnswer } from './top.js'

const DEPTHS = ['infinity', 0, 1] as const
/** Entries written between two looks at whether the client keeps up. */
const FLUSH = 1000

export async function propfind(call: DavCall): Promise<Answer> {
  const depth = depthOf<Depth>(call.req.headers, DEPTHS, 'infinity')
  if (depth === 'infinity' && call.deps.settings.davInfinity === false) {
    throw new DavError(
      403,
      'PROPFIND with Depth: infinity (or none) is switched off on this server; ask with Depth 0 or 1.',
      'propfind-finite-depth',
    )
  }
  const query = parsePropfind(await readXmlBody(call.req, call.res))
  const minimal = prefersMinimal(call.req.headers)
  const renderer = rendererOf(query, minimal)
  const answer =
    call.target.kind === 'space'
      ? await inSpace(await withIf(entryCall(call, call.target)), depth, renderer, [query, minimal])
      : await topAnswer(call, depth, renderer)
  return minimal
    ? { ...answer, headers: [...answer.headers, 'Preference-Applied', 'return=minimal'] }
    : answer
}

async function inSpace(call: EntryCall, depth: Depth, renderer: Renderer, asked: Asked): Promise<Answer> {
  const { tree } = call.deps
  if (depth === 0) {
    const found = await (call.ahead ?? tree.stat(call.op, call.at))
    const writer = await writerOf(call, found, renderer)
    return asFound(multistatus(OPEN + (await writer.write([found.entry])) + CLOSE), call.op, found)
  }
  if (depth === 1) return membersAnswer(call, renderer, asked)
  const found = await tree.stat(call.op, call.at)
  if (found.entry.kind === 'file') return inSpace(call, 0, renderer, asked)
  const { folder, batches } = await tree.tree(call.op, call.at)
  const writer = await writerOf(call, { ...found, entry: folder }, renderer)
  return multistatus(stream(writer, folder, batches))
}

async function* stream(
  writer: EntryWriter,
  top: Entry,
  batches: AsyncIterable<readonly Entry[]>,
): AsyncGenerator<string | Buffer, void> {
  yield OPEN + (await writer.write([top]))
  for await (const batch of batches) {
    for (let at = 0; at < batch.length; at += FLUSH)
      yield (await writer.encode(batch.slice(at, at + FLUSH))).text
  }
  yield CLOSE
}
