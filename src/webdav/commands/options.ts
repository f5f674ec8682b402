/** OPTIONS: what the server is, for anybody; what the caller may do, for those who say who they are (contract §1). */
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import type { Answer } from '../../http/answer.js'
import type { Cors } from '../../http/cors.js'
import { optionsAnswer } from '../../http/options.js'
import { Rights } from '../../http/rights.js'
import { SpaceError } from '../../space/errors.js'
import { type DavCall, entryCall } from '../call.js'

const READING = ['OPTIONS', 'GET', 'PROPFIND', 'REPORT']
const WRITING = ['PUT', 'DELETE', 'PROPPATCH', 'MKCOL', 'COPY', 'MOVE', 'LOCK', 'UNLOCK']

/** What `/dav/` takes at all, as in `Allow`. */
export const ALL = [...READING, ...WRITING]

const ANYBODY = new Rights([], ALL)
const READER = new Rights(['r'], READING)
const WRITER = new Rights(['r', 'w', 'd'], ALL)

/** Classes of RFC 4918 §18; Windows' drives and Office look for the author header. */
const IDENTITY = ['DAV', '1, 2, 3', 'MS-Author-Via', 'DAV', 'Accept-Ranges', 'bytes']

/** What drives look for at the server's root already, before they ask for the folder they are to mount. */
export function introduceDrive(res: ServerResponse): void {
  for (let at = 0; at < IDENTITY.length; at += 2) res.setHeader(IDENTITY[at] ?? '', IDENTITY[at + 1] ?? '')
}

/** To somebody unknown, without asking the store. */
export function anybodyOptions(cors: Cors, headers: IncomingHttpHeaders): Answer {
  const preflight = cors.preflight(headers, ['HEAD', ...ALL].join(', ')) ?? []
  return optionsAnswer(ANYBODY, [...IDENTITY, ...preflight])
}

export async function options(call: DavCall): Promise<Answer> {
  return optionsAnswer(await rightsOf(call), IDENTITY)
}

/** By the caller's access to the space, whatever is at the path: clients ask before they make something there. */
async function rightsOf(call: DavCall): Promise<Rights> {
  if (call.target.kind !== 'space') return READER
  const { deps, op } = entryCall(call, call.target)
  try {
    return (await deps.tree.info(op)).access.write ? WRITER : READER
  } catch (error) {
    if (error instanceof SpaceError && error.code === 'NOT_FOUND') return ANYBODY
    throw error
  }
}
