/** `…/<space>/tags` and `/v1/tags/<tag>/code/spaces` (contract §5). */
import type { Tag } from '../../../sharing/tags.js'
import { isTag } from '../../../sharing/tags.js'
import { SpaceError } from '../../../space/errors.js'
import { quote } from '../../../space/quote.js'
import { type Answer, jsonAnswer } from '../../answer.js'
import type { Call, Resource } from '../../call.js'
import { rowDate } from '../../dates.js'
import { READ, Rights } from '../../rights.js'
import { rowsAnswer } from '../folders.js'
import { ofSpace, rightsInSpace, type SpaceCall, sessionOf, uriOf } from '../space-call.js'
import { systemRow } from './group-rows.js'

const OWN_TAG = new Rights(['r', 'w', 'd'], ['GET', 'PUT', 'DELETE', 'OPTIONS'])

const tag: Resource = {
  verbs: { GET: ofSpace(readTag), PUT: ofSpace(putTag), DELETE: ofSpace(deleteTag) },
  gated: true,
  rights: rightsInSpace(async (call) => {
    await list(call)
    return rightsTo(call, call.params.name ?? '')
  }),
}

/** In a space: the caller's tags, and the owner's categories. */
export const tags: Resource = {
  verbs: { GET: ofSpace(listTags) },
  param: { name: 'name', resource: tag },
  gated: true,
  rights: rightsInSpace(async (call) => {
    await list(call)
    return READ
  }),
}

const taggedSpaces: Resource = { verbs: { GET: listTagged }, gated: true }
const code = folderOf('code/', 'spaces', taggedSpaces)

/** `/v1/tags`. */
export const allTags: Resource = {
  verbs: { GET: listUsed },
  param: { name: 'tag', resource: folderOf('', 'code', code) },
  gated: true,
}

async function listTags(call: SpaceCall): Promise<Answer> {
  const uri = `${uriOf(call.space.owner, call.space.name)}/tags`
  const rows = (await list(call)).map(({ name, created }) =>
    systemRow(name, `${uri}/${name}`, 'system_file', rightsTo(call, name), created),
  )
  return rowsAnswer(rows, READ)
}

async function readTag(call: SpaceCall): Promise<Answer> {
  const wanted = call.params.name ?? ''
  const found = (await list(call)).find(({ name }) => name === wanted)
  if (!found) throw new SpaceError('NOT_FOUND', `The space has no tag ${quote(wanted)}.`)
  const rights = rightsTo(call, wanted)
  return jsonAnswer(200, { name: found.name, created_on: rowDate(found.created) }, [
    'X-NVM-Type',
    'file',
    'X-NVM-Permissions',
    rights.header,
  ])
}

async function putTag(call: SpaceCall): Promise<Answer> {
  const { deps, session, space, op } = call
  const name = call.params.name ?? ''
  const created = await deps.directory.tags.put(session.account.id, space.id, name, op)
  return jsonAnswer(created ? 201 : 200, { name, created })
}

async function deleteTag(call: SpaceCall): Promise<Answer> {
  const { deps, session, space, op } = call
  await deps.directory.tags.delete(session.account.id, space.id, call.params.name ?? '', op)
  return jsonAnswer(200, { deleted: 1 })
}

async function listUsed(call: Call): Promise<Answer> {
  const { account } = sessionOf(call)
  const rows = (await call.deps.directory.tags.used(account.id)).map((name) =>
    systemRow(name, `/v1/tags/${name}`, 'system_dir', READ, account.created),
  )
  return rowsAnswer(rows, READ)
}

async function listTagged(call: Call): Promise<Answer> {
  const { account } = sessionOf(call)
  const found = await call.deps.directory.visible.tagged(account.id, tagOf(call))
  const rows = found.map(({ owner, name, created }) =>
    systemRow(`@${owner}~${name}`, uriOf({ name: owner }, name), 'dir', READ, created),
  )
  return rowsAnswer(rows, READ)
}

function tagOf({ params }: Call): string {
  const { tag: name = '' } = params
  if (isTag(name)) return name
  throw new SpaceError('NOT_FOUND', `${quote(name)} is not a tag.`)
}

/** `path`: of the folder, below the tag. */
function folderOf(path: string, child: string, resource: Resource): Resource {
  return {
    verbs: {
      GET: async (call) => {
        const { created } = sessionOf(call).account
        const uri = `/v1/tags/${tagOf(call)}/${path}${child}`
        return rowsAnswer([systemRow(child, uri, 'system_dir', READ, created)], READ)
      },
    },
    children: new Map([[child, resource]]),
    gated: true,
  }
}

function list({ deps, session, space }: SpaceCall): Promise<Tag[]> {
  return deps.directory.tags.list(session.account.id, space.id)
}

/** A category is the owner's to change, all else the caller's own. */
function rightsTo({ space }: SpaceCall, name: string): Rights {
  return name.startsWith('=') && space.access !== 'o' ? READ : OWN_TAG
}
