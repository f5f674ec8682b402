/** DELETE (RFC 4918 §9.6): an entry with all that is below it, or nothing of it. */
import type { Answer } from '../../http/answer.js'
import { parseConditions } from '../../http/etags.js'
import type { EntryCall } from '../call.js'
import { depthOf } from '../headers.js'

/**
 * It happens in one step, so there is no partial failure to tell of in a 207: where a lock below the folder binds, the answer
 * is that lock's 423, as §9.6.1 allows for requests that failed completely.
 */
export async function remove({ deps, req, op, at, guard }: EntryCall): Promise<Answer> {
  depthOf(req.headers, ['infinity'], 'infinity')
  await deps.tree.remove(op, at, { recursive: true, ...guard, ...parseConditions(req.headers) })
  return { status: 204, headers: [] }
}
