/** Who the caller is, and by which tokens: `whoami`, `token`, `admin/tokens` (contract §1). */
import type { TokenInfo } from '../../accounts/tokens.js'
import { SpaceError } from '../../space/errors.js'
import { quote } from '../../space/quote.js'
import { type Answer, jsonAnswer, textAnswer } from '../answer.js'
import type { Call, Resource } from '../call.js'
import { clientAddress } from '../client.js'
import { rowDate } from '../dates.js'
import { readJson } from '../request-body.js'
import { idempotencyKey } from '../request-headers.js'
import { READ, TOKEN } from '../rights.js'
import { rowsAnswer } from './folders.js'
import type { Row } from './rows.js'
import { sessionOf } from './space-call.js'
import { etagOf } from './texts.js'

const READ_FILE = ['X-NVM-Type', 'file', 'X-NVM-Permissions', READ.header]
const COMMENT = 'Keep the token: it is not shown again.'

export const whoami: Resource = {
  verbs: { GET: async (call) => textAnswer(sessionOf(call).account.name, READ_FILE) },
}

export const token: Resource = {
  verbs: { GET: currentToken, POST: logIn },
  open: ['POST'],
}

export const tokens: Resource = {
  verbs: { GET: listTokens },
  param: {
    name: 'name',
    resource: { verbs: { GET: readToken, DELETE: revokeToken }, rights: async () => TOKEN },
  },
}

/** The account's password opens this and nothing else. */
async function logIn({ deps, req, res }: Call): Promise<Answer> {
  const body = await readJson(req, res)
  const [username = '', password = ''] = ['username', 'password'].map((member) => required(body, member))
  const name = optional(body, 'token_name')
  const description = optional(body, 'token_description')
  const check = () => deps.directory.checkPassword(username, password)
  const account = await deps.throttle.password(clientAddress(req, deps.settings.trustProxy), username, check)
  if (!account) {
    throw new SpaceError(
      'UNAUTHENTICATED',
      `The password is wrong, or there is no account ${quote(username)}.`,
    )
  }
  const made = await deps.directory.createToken(account.id, { name, description })
  return jsonAnswer(200, { status: 'Success', token: made.token, ...tokenInfo(made), comment: COMMENT }, [
    'Cache-Control',
    'no-store',
  ])
}

async function currentToken(call: Call): Promise<Answer> {
  const { account, token: current } = sessionOf(call)
  const all = await call.deps.directory.listTokens(account.id)
  const info = all.find(({ id }) => id === current.id)
  if (!info) throw new SpaceError('UNAUTHENTICATED', 'The token was revoked meanwhile.')
  return jsonAnswer(200, { username: account.name, ...tokenInfo(info) }, READ_FILE)
}

async function listTokens(call: Call): Promise<Answer> {
  const all = await call.deps.directory.listTokens(sessionOf(call).account.id)
  return rowsAnswer(all.map(tokenRow), READ)
}

async function readToken(call: Call): Promise<Answer> {
  const name = call.params.name ?? ''
  const all = await call.deps.directory.listTokens(sessionOf(call).account.id)
  const info = all.find((one) => one.name === name) ?? all.find(({ id }) => id === name)
  if (!info) throw new SpaceError('NOT_FOUND', `There is no token named ${quote(name)}.`)
  return jsonAnswer(200, tokenInfo(info), ['X-NVM-Type', 'file', 'X-NVM-Permissions', TOKEN.header])
}

async function revokeToken(call: Call): Promise<Answer> {
  const key = idempotencyKey(call.req.headers)
  const { account } = sessionOf(call)
  await call.deps.directory.revokeToken(account.id, call.params.name ?? '', { idempotencyKey: key })
  return jsonAnswer(200, { deleted: 1 })
}

function tokenInfo({ id, name, description, created }: TokenInfo) {
  return { token_id: id, token_name: name, token_description: description, created_on: rowDate(created) }
}

function tokenRow({ id, name, created }: TokenInfo): Row {
  const uri = `/v1/admin/tokens/${encodeURIComponent(name)}`
  return {
    name,
    uri,
    type: 'system_file',
    rights: TOKEN,
    etag: etagOf(id),
    created,
    modified: created,
    size: 0,
  }
}

function required(body: Readonly<Record<string, unknown>>, member: string): string {
  const value = optional(body, member)
  if (value === undefined) throw new SpaceError('BAD_REQUEST', `The body must have a string in "${member}".`)
  return value
}

function optional(body: Readonly<Record<string, unknown>>, member: string): string | undefined {
  const value = body[member] ?? undefined
  if (value === undefined || typeof value === 'string') return value
  throw new SpaceError(
    'BAD_REQUEST',
    `"${member}" in the body must be a string, not ${quote(JSON.stringify(value))}.`,
  )
}
