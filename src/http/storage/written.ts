import type { WriteResult } from '../../space/operations.js'
import { type Answer, jsonAnswer } from '../answer.js'
import { quoted } from '../etags.js'
import { changeHeaders } from '../novem/content/place.js'
import type { SpaceCall } from '../novem/space-call.js'
import type { Place } from './place.js'

/** The answer to every upload that is done. */
export function writtenAnswer(call: SpaceCall, at: Place, { entry, mark }: WriteResult): Answer {
  const headers = ['ETag', quoted(entry.etag), ...changeHeaders(call, mark)]
  return jsonAnswer(200, { id: at.pathId, path: entry.path }, headers)
}
