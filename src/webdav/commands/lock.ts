/** LOCK (RFC 4918 §9.10): takes a lock, or makes one last longer. */
import { randomUUID } from 'node:crypto'
import type { Answer } from '../../http/answer.js'
import { typeOfName } from '../../http/mime.js'
import { commit } from '../../http/upload.js'
import { SpaceError } from '../../space/errors.js'
import { pathString } from '../../space/names.js'
import type { LockRequest } from '../../space/operations.js'
import type { Lock } from '../../space/types.js'
import { type EntryCall, spaceHref } from '../call.js'
import { conditionXml, DavError } from '../errors.js'
import { depthOf, lockTokenOf, timeoutOf } from '../headers.js'
import { lockDiscovery } from '../locks.js'
import { hrefIn } from '../target.js'
import { readXmlBody } from '../xml/body.js'
import { davChild, isDav, toFragment } from '../xml/element.js'
import { CLOSE, multistatus, OPEN, statusResponse, XML_TYPE } from '../xml/multistatus.js'
import { parseXml } from '../xml/parse.js'

const MOST_OWNER_BYTES = 8192

export async function lock(call: EntryCall): Promise<Answer> {
  const { req, res } = call
  const body = await readXmlBody(req, res)
  return body.length === 0 ? refresh(call) : take(call, body)
}

async function take(call: EntryCall, body: Buffer): Promise<Answer> {
  const depth = depthOf(call.req.headers, ['infinity', 0], 'infinity')
  const request: LockRequest = {
    ...lockInfo(body),
    depth,
    token: `urn:uuid:${randomUUID()}`,
    timeoutMs: timeoutOf(call.req.headers),
  }
  try {
    const { taken, created } = await takeOrMake(call, request)
    return lockAnswer(call, created ? 201 : 200, taken, ['Lock-Token', `<${taken.token}>`])
  } catch (error) {
    if (!(error instanceof SpaceError) || error.code !== 'LOCKED') throw error
    return conflict(call, error)
  }
}

/** A lock on a name that is free makes an empty file of that name (RFC 4918 §7.3). */
async function takeOrMake(
  call: EntryCall,
  request: LockRequest,
): Promise<{ readonly taken: Lock; readonly created: boolean }> {
  const { tree } = call.deps
  try {
    return { taken: await tree.lock(call.op, call.at, request), created: false }
  } catch (error) {
    if (!isMissing(error)) throw error
  }
  const created = await makeEmpty(call)
  return { taken: await tree.lock(call.op, call.at, request), created }
}

function isMissing(error: unknown): boolean {
  return error instanceof SpaceError && error.code === 'NOT_FOUND' && error.details.missing === 'entry'
}

/** False where somebody else has made it in the meantime. */
async function makeEmpty(call: EntryCall): Promise<boolean> {
  const { deps, op, at } = call
  const request = {
    contentType: typeOfName(at.path.names.at(-1) ?? ''),
    parents: false,
    ifNoneMatch: '*' as const,
  }
  await deps.tree.checkWrite(op, at, { ...request, size: 0 })
  const blob = await deps.blobs.put(op.space, new Uint8Array(), { limit: 0 })
  try {
    await commit(call, at, blob, request)
    return true
  } catch (error) {
    if (error instanceof SpaceError && error.code === 'PRECONDITION_FAILED') return false
    throw error
  }
}

/** Without a body: the lock that `If` names, which may lie on a folder above. */
async function refresh(call: EntryCall): Promise<Answer> {
  const { deps, op, at, req } = call
  const tokens = op.lockTokens ?? []
  const token = tokens[0] ?? lockTokenOf(req.headers)
  if (token === undefined || tokens.length > 1) {
    throw new SpaceError(
      'BAD_REQUEST',
      'A LOCK without a body makes a lock last longer: name it, and only it, in the header If.',
    )
  }
  try {
    return lockAnswer(call, 200, await deps.tree.refreshLock(op, at, token, timeoutOf(req.headers)))
  } catch (error) {
    if (!(error instanceof SpaceError) || error.code !== 'LOCK_UNKNOWN') throw error
    throw new DavError(412, error.message, 'lock-token-matches-request-uri')
  }
}

function lockAnswer(call: EntryCall, status: number, held: Lock, headers: readonly string[] = []): Answer {
  const body =
    '<?xml version="1.0" encoding="utf-8"?>\n<D:prop xmlns:D="DAV:">' +
    `${lockDiscovery([held], spaceHref(call))}</D:prop>`
  return { status, headers: ['Content-Type', XML_TYPE, ...headers], body }
}

/** §9.10.5, §9.10.9: what lies below the folder and stands in the way is told in a multistatus. */
function conflict(call: EntryCall, error: SpaceError): Answer {
  const path = String(error.details.path)
  const blocker = hrefIn(spaceHref(call), path, false)
  const own = pathString(call.at.path)
  const isBelow = own === '' ? path !== '' : path.toLowerCase().startsWith(`${own.toLowerCase()}/`)
  if (!isBelow) throw new DavError(423, error.message, 'no-conflicting-lock', [blocker])
  const responses =
    statusResponse(blocker, 423, conditionXml('no-conflicting-lock')) +
    statusResponse(`${call.target.href}/`, 424)
  return multistatus(OPEN + responses + CLOSE)
}

function lockInfo(body: Buffer): Pick<LockRequest, 'scope' | 'owner'> {
  const root = parseXml(body)
  const scopeElement = davChild(root, 'lockscope')
  const typeElement = davChild(root, 'locktype')
  if (!isDav(root, 'lockinfo') || !scopeElement || !typeElement) {
    throw malformed('it must be a DAV:lockinfo with DAV:lockscope and DAV:locktype')
  }
  if (!davChild(typeElement, 'write')) throw malformed('the only type of lock is DAV:write')
  const scopes = (['exclusive', 'shared'] as const).filter((scope) => davChild(scopeElement, scope))
  const [scope] = scopes
  if (scope === undefined || scopes.length > 1) {
    throw malformed('the scope of a lock is either DAV:exclusive or DAV:shared')
  }
  const ownerElement = davChild(root, 'owner')
  const owner = ownerElement ? toFragment(ownerElement) : ''
  if (Buffer.byteLength(owner) > MOST_OWNER_BYTES) {
    throw malformed(`its DAV:owner is over the limit of ${MOST_OWNER_BYTES} bytes`)
  }
  return { scope, owner }
}

function malformed(why: string): SpaceError {
  return new SpaceError('BAD_REQUEST', `The body of the LOCK is refused: ${why}.`)
}
