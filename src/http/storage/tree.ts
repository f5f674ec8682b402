/** The URL space of storage uploads: what stands where below `/api/v1/space` (contract §7). */
import type { Access } from '../../space/types.js'
import type { Answer } from '../answer.js'
import type { Resource, Verb } from '../call.js'
import { ofSpace, rightsInSpace, type SpaceCall } from '../novem/space-call.js'
import { NOTHING, READ, Rights } from '../rights.js'
import { copy, move, remove } from './change.js'
import { download, getSigned } from './download.js'
import { list } from './list.js'
import { createSpace, deleteSpace, fetchSpace, listSpaces, updateSpace } from './spaces.js'
import { putSigned } from './two-stage.js'
import { uploadFile } from './upload.js'

type Handle = (call: SpaceCall) => Promise<Answer>

const DO = new Rights(['w'], ['POST', 'OPTIONS'])

const atPath = { takesRest: true } as const
const upload = writing(uploadFile)

const storage: Resource = {
  verbs: {},
  children: new Map<string, Resource>([
    ['upload', { ...upload, ...atPath }],
    ['download', { ...reading(download), ...atPath }],
    ['list', { ...reading(list), ...atPath }],
    ['delete', { ...writing(remove), ...atPath }],
    ['copy', { ...writing(copy), ...atPath }],
    ['move', { ...writing(move), ...atPath }],
    // Who signed is asked, not who comes.
    ['signed', { verbs: { GET: getSigned, PUT: putSigned }, open: ['GET', 'PUT'], ...atPath }],
  ]),
  // The names above are not base64 of UTF-8, so none of them hides a path.
  param: { name: 'pathId', resource: { verbs: {}, children: new Map([['upload', upload]]) } },
}

const space: Resource = {
  verbs: {},
  children: new Map<string, Resource>([
    ['fetch', reading(fetchSpace)],
    ['update', owning(updateSpace)],
    ['delete', owning(deleteSpace)],
    ['storage', storage],
  ]),
}

const spaces: Resource = {
  verbs: {},
  children: new Map<string, Resource>([
    ['list', { verbs: { GET: listSpaces }, gated: true }],
    ['create', { verbs: { POST: createSpace }, gated: true }],
  ]),
  param: { name: 'spaceId', resource: space },
}

/** What stands at the empty path of this surface. */
export function storageRoot(): Resource {
  return below('api', below('v1', below('space', spaces)))
}

function below(name: string, resource: Resource): Resource {
  return { verbs: {}, children: new Map([[name, resource]]) }
}

function reading(handle: Handle): Resource {
  return about('GET', handle, () => READ)
}

function writing(handle: Handle): Resource {
  return about('POST', handle, ({ write }) => (write ? DO : NOTHING))
}

function owning(handle: Handle): Resource {
  return about('POST', handle, ({ owner }) => (owner ? DO : NOTHING))
}

function about(verb: Verb, handle: Handle, rights: (access: Access) => Rights): Resource {
  return {
    verbs: { [verb]: ofSpace(handle) },
    gated: true,
    rights: rightsInSpace(async ({ deps, op }) => rights((await deps.tree.info(op)).access)),
  }
}
