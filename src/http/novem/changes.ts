/** `…/changes`: the journal, at once, after waiting, or as a stream of events (seed 002, contract §4). */
import { SpaceError } from '../../space/errors.js'
import type { ChangesRequest, ChangesResult } from '../../space/operations.js'
import { quote } from '../../space/quote.js'
import type { Change, OpContext } from '../../space/types.js'
import { type Answer, jsonAnswer } from '../answer.js'
import type { Resource } from '../call.js'
import { isoDate } from '../dates.js'
import { notesOf } from '../notes.js'
import { admits } from '../request-headers.js'
import { READ } from '../rights.js'
import { wholeNumber } from '../target.js'
import { eventsAnswer } from './events.js'
import { ofSpace, reload, rightsInSpace, type SpaceCall } from './space-call.js'
import { Together } from './together.js'

const MOST_ROWS = 1000
const LONGEST_WAIT_SECONDS = 60

export const changes: Resource = {
  verbs: { GET: ofSpace(readChanges) },
  byShortname: true,
  gated: true,
  rights: rightsInSpace(async (call) => {
    await call.deps.tree.info(call.op)
    return READ
  }),
}

async function readChanges(call: SpaceCall): Promise<Answer> {
  const request = changesRequest(call)
  const wait = wholeNumber(call.query, 'wait', { least: 0, most: LONGEST_WAIT_SECONDS }) ?? 0
  if (admits(call.req.headers.accept, 'text/event-stream')) return eventsAnswer(call, request)
  const result = await call.deps.tree.changes(call.op, request)
  return changesAnswer(
    result.changes.length > 0 || wait === 0 ? result : await later(call, request, wait * 1000),
  )
}

/** Subscribes, reads again, and waits only then: nothing slips through between. */
async function later(call: SpaceCall, request: ChangesRequest, waitMs: number): Promise<ChangesResult> {
  const watch = await call.deps.watcher.watch(call.space.id, call.session.account.id)
  const waited = waiting(call, 'poll')
  try {
    const deadline = Date.now() + waitMs
    const ended = call.ended()
    const { loads, reads } = sharedOf(call)
    // Whose access went before the subscription is not woken.
    const who = JSON.stringify([call.token, call.path])
    const again = () => loads.ask(who, () => reload(call))
    let op = await again()
    for (;;) {
      const { caller } = op
      const question = JSON.stringify([call.space.id, caller, request])
      const result = await reads.ask(question, () => call.deps.tree.changes(op, request))
      const [first] = result.changes
      if (first) call.deps.waits?.woken(first.created)
      if (first || ended.aborted || Date.now() >= deadline) return result
      await watch.changed(deadline - Date.now(), ended)
      op = await again()
    }
  } finally {
    waited()
    watch.close()
  }
}

interface Shared {
  readonly loads: Together<OpContext>
  readonly reads: Together<ChangesResult>
}

/** By server. */
const shared = new WeakMap<SpaceCall['deps'], Shared>()

function sharedOf({ deps }: SpaceCall): Shared {
  const known = shared.get(deps) ?? { loads: new Together(), reads: new Together() }
  shared.set(deps, known)
  return known
}

/** Call the result when the waiting is over. */
export function waiting({ deps, req }: SpaceCall, kind: 'poll' | 'stream'): () => void {
  notesOf(req).waits = true
  return deps.waits?.waiting(kind, req.headers['user-agent']) ?? (() => undefined)
}

function changesAnswer({ changes, latestSeq, hasMore, epoch }: ChangesResult): Answer {
  const body = { changes: changes.map(changeRow), latest_seq: latestSeq, has_more: hasMore, epoch }
  return jsonAnswer(200, body, [
    'X-NVM-Type',
    'file',
    'X-NVM-Permissions',
    READ.header,
    'X-NVM-Epoch',
    epoch,
    'X-NVM-Seq',
    String(latestSeq),
    'Cache-Control',
    'no-store',
  ])
}

/** A row as it stands on the wire, in the order of the seed. */
export function changeRow(row: Change): Readonly<Record<string, unknown>> {
  return {
    seq: row.seq,
    path: row.path,
    change: row.change,
    old_path: row.oldPath,
    type: row.kind === 'file' ? 'file' : 'dir',
    etag: row.etag,
    size_bytes: row.size,
    created_on: isoDate(row.created),
  }
}

function changesRequest({ query, req }: SpaceCall): ChangesRequest {
  const since = wholeNumber(query, 'since', { least: 0, most: Number.MAX_SAFE_INTEGER }) ?? 0
  const limit = wholeNumber(query, 'limit', { least: 1, most: MOST_ROWS }) ?? MOST_ROWS
  const epoch = query.get('epoch')
  return {
    since: lastEventId(req.headers['last-event-id']) ?? since,
    limit,
    ...(epoch !== undefined && { epoch }),
  }
}

/** A browser that reconnects sends the last `id:` it saw (HTML standard, "Server-sent events"). */
function lastEventId(header: string | string[] | undefined): number | undefined {
  if (header === undefined || header === '') return undefined
  const value = String(header)
  if (/^\d{1,15}$/.test(value)) return Number(value)
  throw new SpaceError(
    'BAD_REQUEST',
    `The header Last-Event-ID must be a seq of the journal, not ${quote(value)}.`,
  )
}
