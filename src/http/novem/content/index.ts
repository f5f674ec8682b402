/** `…/content`: the file tree of a space. */
import { SpaceError } from '../../../space/errors.js'
import { type Answer, jsonAnswer } from '../../answer.js'
import type { Resource } from '../../call.js'
import { parseConditions } from '../../etags.js'
import { entryRights, NEW_ENTRY, NOTHING, type Rights } from '../../rights.js'
import { flag } from '../../target.js'
import { ofSpace, rightsInSpace, type SpaceCall } from '../space-call.js'
import { putContent } from './folder.js'
import { patchContent, postContent } from './move.js'
import { changeHeaders, placeOf } from './place.js'
import { readContent } from './read.js'

export const content: Resource = {
  verbs: {
    GET: ofSpace(readContent),
    PUT: ofSpace(putContent),
    POST: ofSpace(postContent),
    PATCH: ofSpace(patchContent),
    DELETE: ofSpace(deleteContent),
  },
  takesRest: true,
  byShortname: true,
  presumes: true,
  gated: true,
  rights: rightsInSpace(rightsAt),
}

async function deleteContent(call: SpaceCall): Promise<Answer> {
  const request = {
    recursive: flag(call.query, 'recursive'),
    ...parseConditions(call.req.headers),
  }
  const { deleted, mark } = await call.deps.tree.remove(call.op, placeOf(call), request)
  return jsonAnswer(200, { deleted }, changeHeaders(call, mark))
}

async function rightsAt(call: SpaceCall): Promise<Rights> {
  try {
    const { access, entry } = await call.deps.tree.stat(call.op, placeOf(call))
    return entryRights(access, entry)
  } catch (error) {
    if (!(error instanceof SpaceError) || error.code !== 'NOT_FOUND' || error.details.missing === 'space')
      throw error
    const { access } = await call.deps.tree.info(call.op)
    return access.write ? NEW_ENTRY : NOTHING
  }
}
