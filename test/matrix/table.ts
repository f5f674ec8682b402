/** The expectation table: each route with its class. A route that is not here fails the test. */
import type { Verb } from '../../src/http/call.js'
import type { Class } from './roles.js'
import type { SecretKind } from './secrets.js'

/** One request of a route, or several where it depends on what is asked. */
export interface Case {
  readonly of: Class
  readonly query?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** Other values of parameters than the usual ones; `{…}` stands for one of the world's. */
  readonly params?: Readonly<Record<string, string>>
  /** What the answer may show to whoever may ask. */
  readonly shows?: readonly SecretKind[]
  /** What it changes makes no difference to other cases. */
  readonly keeps?: true
}
type Cases = Class | Case | readonly (Class | Case)[]
export type Table = Readonly<Record<string, Readonly<Partial<Record<Verb, Cases>>>>>

const JSON_BODY = { 'content-type': 'application/json' }

const text = (write: Class): Readonly<Partial<Record<Verb, Cases>>> => ({
  GET: 'read',
  POST: { of: write, body: 'text', keeps: true },
  DELETE: { of: write, keeps: true },
})
const fixed = { GET: 'read' } as const

const SPACE: Table = {
  '': { GET: 'read', PUT: 'space-put', PATCH: { of: 'manage', body: 'renamed' }, DELETE: 'manage' },
  '/content/*': {
    GET: [
      'read',
      { of: 'read', params: { rest: '' } },
      { of: 'read', params: { rest: '' }, query: '?recursive=true' },
      { of: 'read', params: { rest: '' }, query: '?limit=1' },
      { of: 'read', headers: { accept: 'application/json' } },
      { of: 'read', params: { rest: '' }, query: '?view=children' },
      { of: 'read', query: '?view=entry' },
      { of: 'read', headers: { range: 'bytes=0-100' } },
      { of: 'read', params: { rest: '{file}' }, query: '?base={folderId}' },
    ],
    PUT: [
      { of: 'write', params: { rest: 'made/by/put/' }, keeps: true },
      { of: 'write', body: 'bytes' },
      { of: 'write', params: { rest: 'made' }, query: '?base={folderId}', keeps: true },
    ],
    POST: [
      { of: 'write', body: 'bytes' },
      { of: 'write', body: 'b'.repeat(100_000) },
      { of: 'write', params: { rest: 'made' }, body: 'bytes', keeps: true },
      { of: 'write', headers: { 'x-nvm-op': 'move', 'x-nvm-destination': 'moved' } },
    ],
    PATCH: [
      { of: 'write', body: 'moved' },
      { of: 'write', headers: JSON_BODY, body: '{"executable":true}', keeps: true },
    ],
    DELETE: ['write', { of: 'write', params: { rest: '{folder}' }, query: '?recursive=true' }],
  },
  '/changes': { GET: ['read', { of: 'read', query: '?since=0' }] },
  '/config': fixed,
  '/config/access': fixed,
  '/config/access/ssh': text('manage'),
  '/config/access/web': text('manage'),
  '/name': text('manage'),
  '/summary': text('manage'),
  '/description': text('manage'),
  '/url': fixed,
  '/shortname': fixed,
  '/usage': fixed,
  '/shared': fixed,
  '/shared/:name': {
    GET: 'share-read',
    PUT: ['manage', { of: 'manage', params: { name: '@{owner}~{team}~rw' } }],
    DELETE: 'manage',
  },
  '/tags': fixed,
  '/tags/:name': {
    GET: ['read', { of: 'read', params: { name: 'fav' } }],
    PUT: [
      { of: 'manage', params: { name: '=other' } },
      { of: 'read', params: { name: '+mine' } },
    ],
    DELETE: ['manage', { of: 'read', params: { name: 'fav' } }],
  },
}

/** The same in the caller's own account, where only the owner finds the space. */
const OWN_SPACE = withClasses(SPACE, (of) => (of === 'space-put' ? 'mine-put' : 'mine'))

const groupText = {
  GET: 'group-read',
  POST: { of: 'group-lead', body: 'yes', keeps: true },
  DELETE: { of: 'group-lead', keeps: true },
} as const

const GROUP: Table = {
  '': { GET: 'group-read', PUT: 'group-put', DELETE: 'group-lead' },
  '/profile': { GET: 'group-read' },
  '/profile/name': groupText,
  '/profile/description': groupText,
  '/profile/options': { GET: 'group-read' },
  '/profile/options/is_open': groupText,
  '/profile/options/show_description': groupText,
  '/profile/options/show_members': groupText,
  '/profile/options/show_profile': groupText,
  '/profile/options/enable_subdomain': groupText,
  '/profile/options/allow_inbound_mail': groupText,
  '/profile/options/mail_verify_dkim': groupText,
  '/profile/options/mail_verify_spf': groupText,
  '/roles': { GET: 'group-read' },
  '/roles/:role': { GET: 'group-list' },
  '/roles/:role/:member': {
    GET: 'group-list',
    PUT: [{ of: 'group-lead', params: { member: '{stranger}' } }],
    DELETE: 'group-leave',
  },
}
const SHARED_WITH_GROUP: Table = {
  '/shared': { GET: 'group-tree' },
  '/shared/code': { GET: 'group-tree' },
  '/shared/code/spaces': { GET: 'group-spaces' },
}
const USER_GROUP = { ...GROUP, ...SHARED_WITH_GROUP }
const ORG = withClasses(GROUP, (of) => (of === 'group-put' ? 'org-put' : of))
const ORG_GROUP = withClasses(USER_GROUP, (of) => (of === 'group-put' ? 'org-group-put' : of))
const ORGS: Table = {
  '': { GET: 'self' },
  ...below('/:org', ORG),
  '/:org/groups': { GET: 'group-list' },
  ...below('/:org/groups/:group', ORG_GROUP),
}

const selfText = {
  GET: 'self',
  POST: { of: 'self', body: 'yes', keeps: true },
  DELETE: { of: 'self', keeps: true },
} as const

export const NOVEM: Table = {
  '/': { GET: 'self' },
  '/gql': {
    POST: [
      { of: 'self', keeps: true, headers: JSON_BODY, body: '{}' },
      { of: 'self', keeps: true, headers: JSON_BODY, body: '{"variables":{"author":"{owner}"}}' },
    ],
  },
  '/v1': { GET: 'self' },
  '/v1/whoami': { GET: 'self' },
  '/v1/token': { GET: 'self', POST: { of: 'open-bad', headers: JSON_BODY, body: '{}' } },
  '/v1/admin': { GET: 'self' },
  '/v1/admin/tokens': { GET: 'self' },
  '/v1/admin/tokens/:name': {
    GET: { of: 'self', params: { name: 'test' } },
    DELETE: { of: 'self', params: { name: 'test' } },
  },
  '/v1/admin/profile': { GET: 'self' },
  '/v1/admin/profile/overview': { GET: 'self' },
  '/v1/admin/profile/email': { GET: 'self' },
  '/v1/admin/profile/subscription': { GET: 'self' },
  '/v1/admin/profile/name': selfText,
  '/v1/admin/profile/bio': selfText,
  '/v1/admin/profile/public': selfText,
  '/v1/admin/invites': { GET: 'self' },
  '/v1/admin/invites/:group': { GET: 'invite' },
  '/v1/admin/invites/:group/accept': { GET: 'invite', POST: { of: 'invite', body: 'yes' } },
  '/v1/admin/groups': { GET: 'self' },
  ...below('/v1/admin/groups/:group', USER_GROUP),
  ...below('/v1/admin/orgs', ORGS),
  '/v1/groups': { GET: 'self' },
  ...below('/v1/groups/:group', USER_GROUP),
  ...below('/v1/orgs', ORGS),
  '/v1/users': { GET: 'self' },
  '/v1/users/:user': { GET: 'self' },
  '/v1/users/:user/groups': { GET: 'self' },
  ...below('/v1/users/:user/groups/:group', USER_GROUP),
  '/v1/users/:user/code': { GET: 'self' },
  '/v1/users/:user/code/spaces': { GET: 'listing' },
  ...below('/v1/users/:user/code/spaces/:space', SPACE),
  '/v1/code': { GET: 'self' },
  '/v1/code/spaces': { GET: 'self-gated' },
  ...below('/v1/code/spaces/:space', OWN_SPACE),
  '/v1/tags': { GET: 'self-gated' },
  '/v1/tags/:tag': { GET: 'self-gated' },
  '/v1/tags/:tag/code': { GET: 'self-gated' },
  '/v1/tags/:tag/code/spaces': { GET: ['self-gated', { of: 'self-gated', params: { tag: 'fav' } }] },
}

export const INVITATIONS: Table = {
  '/v1/spaces/share': {
    POST: { of: 'share-make', headers: JSON_BODY, body: '{"tag":"{space}","email":"new@example.org"}' },
  },
  '/v1/spaces/share/:token': { DELETE: 'share-change' },
  '/v1/spaces/share/:token/rotate': { POST: 'share-change' },
  '/v1/spaces/shared': { GET: 'self-gated' },
  '/v1/spaces/join': { POST: { of: 'join', headers: JSON_BODY, body: '{"token":"{token}"}' } },
  '/v1/spaces/token/:token': { GET: { of: 'open', shows: ['name'] } },
}

const json = (of: Class, body: unknown): Case => ({ of, headers: JSON_BODY, body: JSON.stringify(body) })
const DATA_URL = { file: 'data:,bytes' }
const TWO_STAGES = { file: { type: 'text/plain', size: 5 } }

export const STORAGE: Table = {
  '/api/v1/space/list': { GET: 'self-gated' },
  '/api/v1/space/create': { POST: json('self-gated', { name: 'made' }) },
  '/api/v1/space/:spaceId/fetch': { GET: 'read' },
  '/api/v1/space/:spaceId/update': { POST: { ...json('manage', { description: 'text' }), keeps: true } },
  '/api/v1/space/:spaceId/delete': { POST: json('manage', {}) },
  '/api/v1/space/:spaceId/storage/upload/*': {
    POST: [
      { of: 'write', body: 'bytes' },
      { of: 'write', body: 'b'.repeat(100_000) },
      json('write', DATA_URL),
      { ...json('write', TWO_STAGES), keeps: true },
      {
        of: 'write',
        headers: { 'content-type': 'multipart/form-data; boundary=b' },
        body: '--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nbytes\r\n--b--',
      },
    ],
  },
  '/api/v1/space/:spaceId/storage/:pathId/upload': { POST: [{ of: 'write', body: 'bytes' }] },
  '/api/v1/space/:spaceId/storage/download/*': {
    GET: ['read', { of: 'read', headers: { accept: 'application/json' } }],
  },
  '/api/v1/space/:spaceId/storage/list/*': {
    GET: [
      { of: 'read', params: { rest: '' } },
      { of: 'read', params: { rest: '{folder}' } },
      { of: 'read', params: { rest: '' }, query: '?recursive=true' },
    ],
  },
  '/api/v1/space/:spaceId/storage/delete/*': { POST: json('write', {}) },
  '/api/v1/space/:spaceId/storage/copy/*': { POST: json('write', { destinationPath: 'copy' }) },
  '/api/v1/space/:spaceId/storage/move/*': { POST: json('write', { destinationPath: 'moved' }) },
  '/api/v1/space/:spaceId/storage/signed/*': { GET: 'unsigned', PUT: { of: 'unsigned', body: 'bytes' } },
}

/** The cases of a route, one by one; none where the table does not know it. */
export function casesOf(table: Table, pattern: string, verb: Verb): readonly Case[] {
  const cases = table[pattern]?.[verb]
  return cases === undefined ? [] : listOf(cases)
}

export function patternsOf(table: Table): string[] {
  return Object.entries(table).flatMap(([pattern, verbs]) =>
    Object.keys(verbs).map((verb) => `${verb} ${pattern}`),
  )
}

function listOf(cases: Cases): readonly Case[] {
  const list = Array.isArray(cases) ? (cases as readonly (Class | Case)[]) : [cases as Class | Case]
  return list.map((one) => (typeof one === 'string' ? { of: one } : one))
}

function below(path: string, table: Table): Table {
  return Object.fromEntries(Object.entries(table).map(([rest, verbs]) => [path + rest, verbs]))
}

function withClasses(table: Table, change: (of: Class) => Class): Table {
  return Object.fromEntries(
    Object.entries(table).map(([path, verbs]) => [
      path,
      Object.fromEntries(
        Object.entries(verbs).map(([verb, cases]) => [
          verb,
          listOf(cases).map((one) => ({ ...one, of: change(one.of) })),
        ]),
      ),
    ]),
  )
}
