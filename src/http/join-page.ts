/**
 * `/join?token=…`: the page behind a `share_url`. Shows the preview and says how to join; it runs no scripts, loads nothing,
 * may not be framed, and tells nobody where its reader came from, since its address holds the token.
 */
import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Invitation } from '../sharing/invitations.js'
import { SpaceError } from '../space/errors.js'
import { type Answer, send } from './answer.js'
import type { AppDeps } from './deps.js'
import { isServerFailure, novemFailure } from './errors.js'
import { guarded } from './invitations/tree.js'
import { allowed, optionsAnswer } from './options.js'
import { originOf } from './origin.js'
import { READ } from './rights.js'
import { parseQuery, parseTarget } from './target.js'

const STYLE =
  'body{font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:3rem auto;padding:0 1rem;color:#222;background:#fff}' +
  'dt{font-weight:600}dd{margin:0 0 .5rem}pre{padding:.75rem;overflow:auto;background:#f2f2f2}'
const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64')

const HEADERS = [
  'Content-Type',
  'text/html; charset=utf-8',
  'Cache-Control',
  'no-store',
  'Content-Security-Policy',
  `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  'Referrer-Policy',
  'no-referrer',
  'X-Frame-Options',
  'DENY',
  'X-Robots-Tag',
  'noindex, nofollow',
]

export function joinPage(deps: AppDeps) {
  return async (req: IncomingMessage, res: ServerResponse, url: string): Promise<void> => {
    await send(req, res, await answer(deps, req, url), [])
  }
}

async function answer(deps: AppDeps, req: IncomingMessage, url: string): Promise<Answer> {
  if (req.method === 'OPTIONS') return optionsAnswer(READ)
  try {
    if (req.method !== 'GET' && req.method !== 'HEAD') throw otherVerb(req.method)
    const token = parseQuery(parseTarget(url).search).get('token') ?? ''
    const found = await guarded({ deps, req }, () => deps.directory.invitations.preview(token))
    const origin = originOf(deps, req)
    return page(200, `${found.owner} shares “${found.tag}”`, invitationHtml(found, origin, token))
  } catch (error) {
    if (error instanceof SpaceError && error.code === 'INVALID_TOKEN') {
      return page(404, 'This invitation does not work', `<p>${html(error.message)}</p>`)
    }
    if (isServerFailure(error)) deps.log.error(`GET /join: ${error instanceof Error ? error.stack : error}`)
    return novemFailure(error)
  }
}

function invitationHtml(invitation: Invitation, origin: string, token: string): string {
  const { owner, tag, permission, acceptedBy, expires } = invitation
  const facts: [string, string][] = [
    ['Shared by', owner],
    ['What', tag],
    ['Access', permission === 'write' ? 'read and write' : 'read'],
    ['Ends', expires === undefined ? 'never' : new Date(expires).toUTCString()],
  ]
  const rows = facts.map(([name, value]) => `<dt>${name}</dt><dd>${html(value)}</dd>`).join('')
  const how =
    acceptedBy === undefined
      ? `<p>To accept, sign in to the account with the e-mail address this invitation was sent to, and join with its token:</p>
<pre>curl -X POST ${html(origin)}/v1/spaces/join \\
  -H 'Authorization: Bearer &lt;your token&gt;' \\
  -H 'Content-Type: application/json' \\
  -d '{"token":"${html(token)}"}'</pre>
<p>or</p>
<pre>novem-spaces join --server ${html(origin)} --token &lt;your token&gt; ${html(token)}</pre>`
      : '<p>This invitation has been accepted already.</p>'
  return `<dl>${rows}</dl>\n${how}`
}

function page(status: number, title: string, main: string): Answer {
  const body = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${html(title)}</title><style>${STYLE}</style></head>
<body><h1>${html(title)}</h1>
${main}
</body></html>
`
  return { status, headers: HEADERS, body }
}

function html(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

function otherVerb(method: string | undefined): SpaceError {
  const allow = allowed(['GET', 'OPTIONS'])
  return new SpaceError('METHOD_NOT_ALLOWED', `"/join" does not take ${method}; it takes ${allow}.`, {
    allow,
  })
}
