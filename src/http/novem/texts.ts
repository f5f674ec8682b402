/** A space's small text files: `name`, `summary`, `description`, `config/access/*`, `url`, `shortname` (contract §2). */
import { createHash } from 'node:crypto'
import type { MetaValue, SpaceInfo } from '../../space/operations.js'
import { type Answer, jsonAnswer, textAnswer } from '../answer.js'
import type { Handler, Resource } from '../call.js'
import { isNotModified } from '../conditional.js'
import { httpDate } from '../dates.js'
import { quoted } from '../etags.js'
import { originOf } from '../origin.js'
import { readText } from '../request-body.js'
import { OWN_TEXT, READ, type Rights } from '../rights.js'
import { ofSpace, rightsInSpace, type SpaceCall, uriOf } from './space-call.js'

/** What a text reads where nothing was written. */
export const DEFAULT_TEXT = ''

/** Of a text no etag is stored. */
export function etagOf(text: string): string {
  return createHash('md5').update(text).digest('hex')
}

/** Headers of a GET of a text file. */
export function textHeaders(text: string, modified: number, rights: Rights, isDefault: boolean): string[] {
  return [
    'X-NVM-Type',
    'file',
    'X-NVM-Permissions',
    rights.header,
    'ETag',
    quoted(etagOf(text)),
    'Last-Modified',
    httpDate(modified),
    'Cache-Control',
    'private, no-cache',
    ...(isDefault ? ['X-NVM-Default', 'true'] : []),
  ]
}

/** A text that the owner writes and clears; `key`: its path in the space. */
export function ownText(key: string): Resource {
  return {
    verbs: { GET: ofSpace((call) => readOwn(call, key)), POST: writeOwn(key), DELETE: clearOwn(key) },
    gated: true,
    rights: rightsInSpace(async (call) => textRights(await call.deps.tree.info(call.op))),
  }
}

/** A text that nobody writes. */
export function fixedText(textOf: (call: SpaceCall) => string): Resource {
  return {
    verbs: {
      GET: ofSpace(async (call) => {
        const info = await call.deps.tree.info(call.op)
        return answer(call, { text: textOf(call), modified: info.created }, READ, false)
      }),
    },
    gated: true,
    rights: rightsInSpace(async (call) => {
      await call.deps.tree.info(call.op)
      return READ
    }),
  }
}

export function urlOf({ deps, req, space }: SpaceCall): string {
  return originOf(deps, req) + uriOf(space.owner, space.name)
}

export function textRights({ access }: SpaceInfo): Rights {
  return access.owner ? OWN_TEXT : READ
}

async function readOwn(call: SpaceCall, key: string): Promise<Answer> {
  const { info, meta } = await call.deps.tree.readMeta(call.op)
  const value = meta[key]
  return answer(
    call,
    value ?? { text: DEFAULT_TEXT, modified: info.created },
    textRights(info),
    value === undefined,
  )
}

function answer(
  { req }: SpaceCall,
  { text, modified }: MetaValue,
  rights: Rights,
  isDefault: boolean,
): Answer {
  const headers = textHeaders(text, modified, rights, isDefault)
  if (isNotModified(req.headers, { etag: etagOf(text), modified })) return { status: 304, headers }
  return textAnswer(text, headers)
}

function writeOwn(key: string): Handler {
  return ofSpace(async (call) => {
    const text = await readText(call.req, call.res)
    await call.deps.tree.writeMeta(call.op, key, text)
    return jsonAnswer(200, { path: key, size: Buffer.byteLength(text), etag: etagOf(text) }, [
      'ETag',
      quoted(etagOf(text)),
    ])
  })
}

function clearOwn(key: string): Handler {
  return ofSpace(async (call) => {
    await call.deps.tree.writeMeta(call.op, key, null)
    return jsonAnswer(200, { path: key, cleared: true })
  })
}
