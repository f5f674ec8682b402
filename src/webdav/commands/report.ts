/**
 * REPORT: `sync-collection` (RFC 6578). The journal tells which members changed since the client's token; what they are now is
 * looked up. Long answers are cut by 507 with a token to go on from.
 */
import type { Answer } from '../../http/answer.js'
import { SpaceError } from '../../space/errors.js'
import { parsePath } from '../../space/names.js'
import type { ChangesResult, StatResult } from '../../space/operations.js'
import { quote } from '../../space/quote.js'
import type { Entry, JournalMark } from '../../space/types.js'
import type { EntryCall } from '../call.js'
import { conditionXml, DavError } from '../errors.js'
import { laterPages } from '../pages.js'
import { rendererOf } from '../properties/render.js'
import { parseSync, type SyncRequest } from '../sync/request.js'
import { fitting, type Stretch } from '../sync/stretch.js'
import { parseSyncToken, syncToken } from '../sync/token.js'
import { type EntryWriter, writerOf } from '../writer.js'
import { readXmlBody } from '../xml/body.js'
import { CLOSE, multistatus, OPEN, statusResponse } from '../xml/multistatus.js'

/** Rows of the journal that one answer covers. */
const MOST_ROWS = 1000

export async function report(call: EntryCall): Promise<Answer> {
  const { req, res, deps, op, at } = call
  const request = parseSync(await readXmlBody(req, res), req.headers)
  const found = await deps.tree.stat(op, at)
  if (found.entry.kind === 'file') {
    throw new DavError(
      403,
      `${quote(found.entry.path)} is a file; folders are synchronised.`,
      'supported-report',
    )
  }
  const writer = await writerOf(call, found, rendererOf({ kind: 'some', names: request.names }, false))
  if (request.token !== '') {
    const since = parseSyncToken(request.token)
    if (!since) throw staleToken(request.token)
    return changed(call, found, request, since, writer)
  }
  const whole = await everything(call, found, request)
  if (whole) return multistatus(stream(whole.batches, whole.mark, writer))
  // More than the client takes at once: the journal from its beginning gives the same in pieces.
  return changed(call, found, request, { seq: 0, epoch: found.mark.epoch }, writer)
}

type Batches = AsyncIterable<readonly Entry[]> | Iterable<readonly Entry[]>

/** All members, and the mark from which the journal goes on; undefined where they are more than the client's limit. */
async function everything(
  { deps, op, at }: EntryCall,
  { entry }: StatResult,
  { deep, limit = Number.POSITIVE_INFINITY }: SyncRequest,
): Promise<{ readonly batches: Batches; readonly mark: JournalMark } | undefined> {
  if (deep) {
    if (entry.kind === 'folder' && entry.entries > limit) return undefined
    return deps.tree.tree(op, at)
  }
  const { page = { entries: [] }, mark } = await deps.tree.look(op, at, {})
  if (page.cursor === undefined) {
    return page.entries.length > limit ? undefined : { batches: [page.entries], mark }
  }
  if (limit !== Number.POSITIVE_INFINITY) return undefined
  return { batches: chained(page.entries, laterPages({ deps, op }, entry.id, page.cursor)), mark }
}

async function* chained(first: readonly Entry[], later: AsyncIterable<readonly Entry[]>) {
  yield first
  yield* later
}

async function* stream(
  batches: Batches,
  mark: JournalMark,
  writer: EntryWriter,
): AsyncGenerator<string | Buffer, void> {
  yield OPEN
  for await (const batch of batches) yield (await writer.encode(batch)).text
  yield tokenXml(mark) + CLOSE
}

async function changed(
  call: EntryCall,
  found: StatResult,
  request: SyncRequest,
  since: JournalMark,
  writer: EntryWriter,
): Promise<Answer> {
  const { changes: rows, latestSeq, hasMore, epoch } = await rowsSince(call, since, request)
  const stretch = await fitting(call, found.entry, rows, request)
  if (!stretch || (stretch.broken && request.token === '')) throw tooMany(request)
  if (stretch.broken) throw staleToken(request.token)
  const isCut = hasMore || stretch.rows < rows.length
  const seq = isCut ? (rows[stretch.rows - 1]?.seq ?? since.seq) : latestSeq
  return multistatus(changedXml(call, stretch, request, isCut, { seq, epoch }, writer))
}

async function* changedXml(
  call: EntryCall,
  { present, gone, arrived }: Stretch,
  { token }: SyncRequest,
  isCut: boolean,
  mark: JournalMark,
  writer: EntryWriter,
): AsyncGenerator<string | Buffer, void> {
  yield OPEN + (await writer.write(present))
  for (const folder of arrived) {
    const { batches } = await call.deps.tree.tree(call.op, { path: parsePath(folder.path) })
    for await (const batch of batches) yield (await writer.encode(batch)).text
  }
  // A client that begins anew knows of nothing that could have gone (§3.4).
  if (token !== '')
    yield gone.map(({ path, kind }) => statusResponse(writer.hrefOf(path, kind), 404)).join('')
  const cut = isCut
    ? statusResponse(`${call.target.href}/`, 507, conditionXml('number-of-matches-within-limits'))
    : ''
  yield cut + tokenXml(mark) + CLOSE
}

async function rowsSince(
  { deps, op }: EntryCall,
  { seq, epoch }: JournalMark,
  { token, limit = MOST_ROWS }: SyncRequest,
): Promise<ChangesResult> {
  try {
    const result = await deps.tree.changes(op, { since: seq, limit: Math.min(limit, MOST_ROWS), epoch })
    if (seq <= result.latestSeq) return result
  } catch (error) {
    if (!(error instanceof SpaceError) || error.code !== 'EPOCH_GONE') throw error
  }
  throw staleToken(token)
}

function tokenXml(mark: JournalMark): string {
  return `<D:sync-token>${syncToken(mark)}</D:sync-token>`
}

function staleToken(token: string): DavError {
  return new DavError(
    403,
    `The sync-token ${quote(token)} tells no state from which changes can be told; begin anew with an empty one.`,
    'valid-sync-token',
  )
}

function tooMany({ limit }: SyncRequest): DavError {
  return new DavError(
    507,
    `The changes cannot be cut to ${limit ?? MOST_ROWS} responses; ask with a higher limit, or none.`,
    'number-of-matches-within-limits',
  )
}
