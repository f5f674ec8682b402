/** `?recursive=true`: everything below a folder, parents first (contract §3, "Beyond the seeds"). */
import type { Entry, Location } from '../../../space/types.js'
import { type Answer, JSON_TYPE } from '../../answer.js'
import { admits } from '../../request-headers.js'
import { TextBuffer } from '../../text-buffer.js'
import { EntryRows } from '../rows.js'
import { type SpaceCall, uriOf } from '../space-call.js'
import { entryHeaders } from './headers.js'

/** Room for a usual row. */
const ROW_BYTES = 600
const NDJSON_TYPE = 'application/x-ndjson'

export async function treeAnswer(call: SpaceCall, at: Location): Promise<Answer> {
  const { folder, access, mark, exact, batches } = await call.deps.tree.tree(call.op, at)
  const isNdjson = admits(call.req.headers.accept, NDJSON_TYPE)
  const headers = [
    ...entryHeaders({ entry: folder, access }),
    'Content-Type',
    isNdjson ? NDJSON_TYPE : JSON_TYPE,
    'X-NVM-Seq',
    String(mark.seq),
    'X-NVM-Epoch',
    mark.epoch,
    'X-NVM-Snapshot',
    exact ? 'exact' : 'walk',
  ]
  const rows = new EntryRows(`${uriOf(call.space.owner, call.space.name)}/content`, access)
  const row = (entry: Entry) => rows.row(entry, true)
  return { status: 200, headers, body: isNdjson ? lines(batches, row) : array(batches, row) }
}

type Batches = AsyncIterable<readonly Entry[]>
type WriteRow = (entry: Entry) => string

async function* lines(batches: Batches, row: WriteRow): AsyncGenerator<Buffer, void> {
  for await (const batch of batches) {
    const text = new TextBuffer(ROW_BYTES * (batch.length + 1))
    for (const entry of batch) text.add(`${row(entry)}\n`)
    yield text.bytes()
  }
}

async function* array(batches: Batches, row: WriteRow): AsyncGenerator<Buffer, void> {
  let before = '['
  for await (const batch of batches) {
    if (batch.length === 0) continue
    const text = new TextBuffer(ROW_BYTES * (batch.length + 1))
    for (const entry of batch) {
      text.add(before + row(entry))
      before = ','
    }
    yield text.bytes()
  }
  yield Buffer.from(before === '[' ? '[]' : ']')
}
