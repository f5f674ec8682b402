/** `/v1/admin/profile`: what an account says of itself, and where it sees its limits and their use (contract §1). */
import { PROFILE_DEFAULTS, PROFILE_FILES, type Profile, type ProfileFile } from '../../accounts/profile.js'
import type { Session } from '../../accounts/types.js'
import { type Answer, jsonAnswer, textAnswer } from '../answer.js'
import type { Call, Resource } from '../call.js'
import { isNotModified } from '../conditional.js'
import { readText } from '../request-body.js'
import { idempotencyKey } from '../request-headers.js'
import { OWN_TEXT, READ, type Rights } from '../rights.js'
import { rowsAnswer } from './folders.js'
import type { Row } from './rows.js'
import { sessionOf } from './space-call.js'
import { etagOf, textHeaders } from './texts.js'

const URI = '/v1/admin/profile'

export const profile: Resource = {
  verbs: { GET: listProfile },
  children: new Map<string, Resource>([
    ['overview', { verbs: { GET: overview } }],
    // Access depends on these two, so only the operator changes them.
    ['email', operatorsText(({ account }) => account.email)],
    ['subscription', operatorsText(({ account }) => account.plan.name)],
    ...PROFILE_FILES.map((file): [string, Resource] => [file, ownersText(file)]),
  ]),
}

async function overview(call: Call): Promise<Answer> {
  const { account, caller } = sessionOf(call)
  const { directory, tree } = call.deps
  const { name, email, plan } = account
  const [{ files }, spaces] = await Promise.all([
    directory.readProfile(account.id),
    account.spacesEnabled ? directory.listSpaces(account.id) : [],
  ])
  const infos = await Promise.all(
    spaces.map(({ id }) => tree.info({ space: id, caller, limits: plan }).catch(() => undefined)),
  )
  const sum = (of: 'bytes' | 'entries') => infos.reduce((total, info) => total + (info?.[of] ?? 0), 0)
  return jsonAnswer(
    200,
    {
      user_info: { username: name, name: files.name?.text ?? '', subscription: plan.name, email },
      limits: {
        spaces: plan.spaces,
        file_bytes: plan.fileBytes,
        space_bytes: plan.spaceBytes,
        entries_per_space: plan.entries,
      },
      usage: { spaces: spaces.length, bytes: sum('bytes'), entries: sum('entries') },
    },
    ['X-NVM-Type', 'file', 'X-NVM-Permissions', READ.header, 'Cache-Control', 'no-store'],
  )
}

async function listProfile(call: Call): Promise<Answer> {
  const { account } = sessionOf(call)
  const found = await call.deps.directory.readProfile(account.id)
  const { created } = account
  const fixed = (name: string, text: string) => row(name, text, { created, modified: created }, READ)
  const rows = [
    ...PROFILE_FILES.map((file) => {
      const { text, modified } = writtenOf(found, file)
      return row(file, text, { created, modified }, OWN_TEXT)
    }),
    fixed('email', account.email),
    fixed('overview', ''),
    fixed('subscription', account.plan.name),
  ]
  return rowsAnswer(
    rows.sort((a, b) => (a.name < b.name ? -1 : 1)),
    READ,
  )
}

function row(
  name: string,
  text: string,
  times: { readonly created: number; readonly modified: number },
  rights: Rights,
): Row {
  const size = Buffer.byteLength(text)
  return { name, uri: `${URI}/${name}`, type: 'system_file', rights, etag: etagOf(text), ...times, size }
}

function ownersText(file: ProfileFile): Resource {
  const write = async (call: Call, text: string | null) => {
    const key = idempotencyKey(call.req.headers)
    await call.deps.directory.writeProfile(sessionOf(call).account.id, file, text, { idempotencyKey: key })
  }
  return {
    verbs: {
      GET: async (call) => {
        const found = await call.deps.directory.readProfile(sessionOf(call).account.id)
        const { text, modified } = writtenOf(found, file)
        return textOrNotModified(call, text, modified, OWN_TEXT, found.files[file] === undefined)
      },
      POST: async (call) => {
        const text = await readText(call.req, call.res)
        await write(call, text)
        return jsonAnswer(200, { path: file, size: Buffer.byteLength(text) })
      },
      DELETE: async (call) => {
        await write(call, null)
        return jsonAnswer(200, { path: file, cleared: true })
      },
    },
  }
}

function operatorsText(textOf: (session: Session) => string): Resource {
  return {
    verbs: {
      GET: async (call) => {
        const session = sessionOf(call)
        return textOrNotModified(call, textOf(session), session.account.created, READ, false)
      },
    },
  }
}

/** A small text file's answer to GET. */
export function textOrNotModified(
  call: Call,
  text: string,
  modified: number,
  rights: Rights,
  isDefault: boolean,
): Answer {
  const headers = textHeaders(text, modified, rights, isDefault)
  if (isNotModified(call.req.headers, { etag: etagOf(text), modified })) return { status: 304, headers }
  return textAnswer(text, headers)
}

function writtenOf({ account, files }: Profile, file: ProfileFile) {
  return files[file] ?? { text: PROFILE_DEFAULTS[file], modified: account.created }
}
