/** The journal as server-sent events (HTML standard, "Server-sent events"): a row an event, `id:` is its seq. */
import { performance } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import { SpaceError } from '../../space/errors.js'
import type { ChangesRequest, ChangesResult } from '../../space/operations.js'
import type { Answer } from '../answer.js'
import type { Watching } from '../deps.js'
import { READ } from '../rights.js'
import { changeRow, waiting } from './changes.js'
import { reload, type SpaceCall } from './space-call.js'

const HEARTBEAT_MS = 15_000
const RETRY_MS = 2000
/**
 * Between two looks at the journal. The first change after a rest is told at once; of a burst many at a time, and the more the longer it lasts:
 * each look costs about what a write costs.
 */
const PACE_MS = 10
const LONGEST_PACE_MS = 80

type Watch = Awaited<ReturnType<Watching['watch']>>

/** What is wrong is said by a status before the stream begins; afterwards it just ends, and the client asks again. */
export async function eventsAnswer(call: SpaceCall, request: ChangesRequest): Promise<Answer> {
  const watch = await call.deps.watcher.watch(call.space.id, call.session.account.id)
  try {
    const first = await call.deps.tree.changes(await reload(call), request)
    const headers = [
      'Content-Type',
      'text/event-stream; charset=utf-8',
      'Cache-Control',
      'no-store',
      'X-Accel-Buffering',
      'no',
      'X-NVM-Type',
      'file',
      'X-NVM-Permissions',
      READ.header,
      'X-NVM-Epoch',
      first.epoch,
    ]
    const ended = call.ended()
    if (call.req.method === 'HEAD' || ended.aborted) {
      watch.close()
      return { status: 200, headers }
    }
    // Also where the client goes before the stream has begun.
    ended.addEventListener('abort', () => watch.close(), { once: true })
    return { status: 200, headers, body: stream(call, request, first, watch, ended) }
  } catch (error) {
    watch.close()
    throw error
  }
}

/** Whoever has lost access is found out whenever the stream wakes, and at each heart-beat. */
async function* stream(
  call: SpaceCall,
  request: ChangesRequest,
  first: ChangesResult,
  watch: Watch,
  ended: AbortSignal,
): AsyncGenerator<string, void> {
  const heartbeatMs = call.deps.settings.heartbeatMs ?? HEARTBEAT_MS
  let { since } = request
  let looked = performance.now()
  let pace = PACE_MS
  const waited = waiting(call, 'stream')
  try {
    yield `retry: ${RETRY_MS}\n\n`
    for (let page = first; ; ) {
      if (page.changes.length > 0) yield events(page)
      since = page.changes.at(-1)?.seq ?? since
      const isQuiet = !page.hasMore && !(await watch.changed(heartbeatMs, ended))
      const early = page.hasMore ? 0 : looked + pace - performance.now()
      pace = early > 0 ? Math.min(2 * pace, LONGEST_PACE_MS) : PACE_MS
      if (early > 0) await pause(early, undefined, { signal: ended }).catch(() => {})
      if (ended.aborted) return
      looked = performance.now()
      const op = await reload(call)
      page = await call.deps.tree.changes(op, { since, limit: request.limit, epoch: first.epoch })
      const [row] = page.changes
      if (row) call.deps.waits?.woken(row.created)
      if (isQuiet) yield ': still here\n\n'
    }
  } catch (error) {
    if (!(error instanceof SpaceError)) throw error
    if (error.code === 'EPOCH_GONE') yield reset(error)
  } finally {
    waited()
    watch.close()
  }
}

function events({ changes }: ChangesResult): string {
  return changes.map((row) => `id: ${row.seq}\ndata: ${JSON.stringify(changeRow(row))}\n\n`).join('')
}

/** The journal is another one now: the client starts over. */
function reset({ message, details }: SpaceError): string {
  return `event: reset\ndata: ${JSON.stringify({ ...details, message })}\n\n`
}
