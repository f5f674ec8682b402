/** What WebDAV's methods answer, in others' spaces, in own ones, and above them. */
import type { Class } from './roles.js'
import type { Planned } from './runner.js'
import type { Case } from './table.js'

const XML = { 'content-type': 'application/xml' }
const LOCK =
  '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>'
const PATCH =
  '<propertyupdate xmlns="DAV:"><set><prop><p xmlns="urn:x">value</p></prop></set></propertyupdate>'
const SYNC =
  '<sync-collection xmlns="DAV:"><sync-token/><sync-level>infinite</sync-level><prop><getetag/></prop></sync-collection>'
const UNKNOWN_LOCK = '<urn:uuid:00000000-0000-4000-8000-000000000000>'

/** `home`: the space's own href. */
function inSpace(home: string): Readonly<Record<string, Case | readonly Case[]>> {
  const onto = { destination: `${home}/other` }
  const made = { params: { rest: 'made' } }
  return {
    COPY: { of: 'write', headers: onto },
    DELETE: { of: 'write' },
    GET: [{ of: 'read' }, { of: 'read', headers: { range: 'bytes=0-100' } }],
    HEAD: { of: 'read' },
    LOCK: [
      { of: 'write', headers: XML, body: LOCK },
      { of: 'write', headers: XML, body: LOCK, ...made },
    ],
    MKCOL: { of: 'write', ...made },
    MOVE: { of: 'write', headers: onto },
    OPTIONS: { of: 'dav-options' },
    PROPFIND: [
      { of: 'read', headers: { depth: '0' } },
      { of: 'read', headers: { depth: '1' }, params: { rest: '' } },
      { of: 'read', headers: { depth: 'infinity' }, params: { rest: '' } },
    ],
    PROPPATCH: { of: 'write', headers: XML, body: PATCH },
    PUT: [
      { of: 'write', body: 'bytes' },
      { of: 'write', body: 'bytes', ...made },
    ],
    REPORT: { of: 'read', headers: { ...XML, depth: '0' }, params: { rest: '' }, body: SYNC },
    UNLOCK: { of: 'dav-unlock', headers: { 'lock-token': UNKNOWN_LOCK } },
  }
}

const OWN: Readonly<Partial<Record<Class, Class>>> = {
  'dav-options': 'dav-options',
  'dav-unlock': 'mine-unlock',
}

const AT_TOP: Readonly<Partial<Record<string, Class>>> = {
  GET: 'self-gated',
  HEAD: 'self-gated',
  OPTIONS: 'dav-options',
  PROPFIND: 'self-gated',
}

/** Methods of which something is said. */
export const DAV_METHODS = Object.keys(inSpace(''))

export const DAV: readonly Planned[] = [
  ...plans('/dav/@:user~:space/*', inSpace('/dav/@{owner}~{space}')),
  ...plans('/dav/:space/*', inSpace('/dav/{space}')).map((plan) => ({
    ...plan,
    one: { ...plan.one, of: OWN[plan.one.of] ?? 'mine' },
  })),
  ...DAV_METHODS.map((method) =>
    plan(method, '/dav/', { of: AT_TOP[method] ?? 'dav-top', headers: { depth: '1' } }),
  ),
]

function plans(pattern: string, cases: ReturnType<typeof inSpace>): Planned[] {
  return Object.entries(cases).flatMap(([method, some]) =>
    [some].flat().map((one) => plan(method, pattern, one)),
  )
}

function plan(method: string, pattern: string, one: Case): Planned {
  return { method, pattern, one, safe: ['GET', 'HEAD', 'OPTIONS', 'PROPFIND', 'REPORT'].includes(method) }
}
