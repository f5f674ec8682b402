/** The novem surface: from a request to an answer, whatever the resource. Errors leave as `{"message": …}`. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Loaded, SpaceAddress } from '../../accounts/types.js'
import { SpaceError } from '../../space/errors.js'
import { quote } from '../../space/quote.js'
import { type Answer, send } from '../answer.js'
import {
  actionsOf,
  type Call,
  type Match,
  match,
  type Params,
  type Resource,
  VERBS,
  type Verb,
} from '../call.js'
import { Cors } from '../cors.js'
import type { AppDeps } from '../deps.js'
import { isServerFailure, novemFailure } from '../errors.js'
import { allowed, optionsAnswer } from '../options.js'
import { tokenOf } from '../request-headers.js'
import { type Letter, NOTHING, Rights } from '../rights.js'
import { parseQuery, parseTarget, type Target } from '../target.js'

const ALL_VERBS = 'GET, HEAD, PUT, POST, PATCH, DELETE, OPTIONS'

export class NovemSurface {
  readonly #deps: AppDeps
  readonly #root: Resource
  readonly #cors: Cors
  readonly #stopping: AbortSignal

  /** `root` is what stands at the empty path; `stopping` ends streams and waiting when the server stops. */
  constructor(deps: AppDeps, root: Resource, stopping: AbortSignal) {
    this.#deps = deps
    this.#root = root
    this.#cors = new Cors(deps.settings.corsOrigins)
    this.#stopping = stopping
  }

  /** Never rejects. */
  async serve(req: IncomingMessage, res: ServerResponse, url: string): Promise<void> {
    try {
      const answer = await this.#answer(req, res, url)
      await send(req, res, answer, this.#cors.headers(req.headers))
    } catch (error) {
      // The source of a body failed half-way; the connection has been cut already.
      this.#report(req, url, error)
    }
  }

  async #answer(req: IncomingMessage, res: ServerResponse, url: string): Promise<Answer> {
    try {
      if (req.headers.host === undefined && req.httpVersionMinor === 1) {
        throw new SpaceError('BAD_REQUEST', 'The header Host is missing, which HTTP/1.1 requires.')
      }
      const target = parseTarget(url)
      if (req.method === 'OPTIONS') return await this.#options(req, res, target)
      return await this.#handle(req, res, target)
    } catch (error) {
      if (isServerFailure(error)) this.#report(req, url, error)
      return novemFailure(error)
    }
  }

  async #handle(req: IncomingMessage, res: ServerResponse, target: Target): Promise<Answer> {
    const found = match(this.#root, target.path, 0)
    const verb = (req.method === 'HEAD' ? 'GET' : req.method) as Verb
    const isOpen = found?.resource.open?.includes(verb) === true
    const token = tokenOf(req.headers)
    const loaded = isOpen ? {} : await this.#deps.directory.load(token, found && addressOf(found.params))
    if (!isOpen && !loaded.session) throw await this.#unauthenticated(req, token)
    if (!found || (found.resource.gated && !isOpen && !loaded.session?.account.spacesEnabled))
      throw nothingAt(target)
    const handler = found.resource.verbs[verb]
    if (!handler) {
      const allow = allowed(actionsOf(found.resource))
      throw new SpaceError(
        'METHOD_NOT_ALLOWED',
        `${quote(target.path)} does not take ${req.method}; it takes ${allow}.`,
        {
          allow,
        },
      )
    }
    return handler(this.#call(req, res, found, target, token, loaded))
  }

  /** 200 on any path; anonymous pre-flights too (contract §1, "OPTIONS"). */
  async #options(req: IncomingMessage, res: ServerResponse, target: Target): Promise<Answer> {
    const found = match(this.#root, target.path, 0)
    const preflight = this.#cors.preflight(req.headers, ALL_VERBS)
    if (preflight) return optionsAnswer(NOTHING, preflight)
    const token = tokenOf(req.headers)
    const loaded = await this.#deps.directory.load(token, found && addressOf(found.params))
    const rights = await this.#rights(req, res, found, target, token, loaded)
    return optionsAnswer(rights)
  }

  async #rights(
    req: IncomingMessage,
    res: ServerResponse,
    found: Match | undefined,
    target: Target,
    token: string | undefined,
    loaded: Loaded,
  ): Promise<Rights> {
    if (!found) return NOTHING
    const { resource } = found
    if (!loaded.session) return resource.open ? rightsOf(resource.open) : NOTHING
    if (resource.gated && !loaded.session.account.spacesEnabled) return NOTHING
    if (!resource.rights) return rightsOf(VERBS.filter((verb) => resource.verbs[verb]))
    return resource.rights(this.#call(req, res, found, target, token, loaded))
  }

  #call(
    req: IncomingMessage,
    res: ServerResponse,
    found: Match,
    target: Target,
    token: string | undefined,
    loaded: Loaded,
  ): Call {
    return {
      deps: this.#deps,
      req,
      res,
      path: target.path,
      params: found.params,
      rest: found.rest,
      resource: found.resource,
      query: parseQuery(target.search),
      token,
      loaded,
      ended: () => endOf(res, this.#stopping),
    }
  }

  /** Whoever guesses tokens is slowed down; a request without one guesses nothing. */
  async #unauthenticated(req: IncomingMessage, token: string | undefined): Promise<SpaceError> {
    if (req.headers.authorization === undefined) {
      return new SpaceError(
        'UNAUTHENTICATED',
        'The header Authorization is missing; send "Authorization: Bearer <token>".',
      )
    }
    if (token) await this.#deps.throttle.failedToken(req.socket.remoteAddress ?? '')
    return new SpaceError('UNAUTHENTICATED', 'The header Authorization holds no valid token.')
  }

  #report(req: IncomingMessage, url: string, error: unknown): void {
    const { path } = parseTarget(url)
    const cause = error instanceof Error ? (error.stack ?? error.message) : String(error)
    this.#deps.log.error(`${req.method} ${path}: ${cause}`)
  }
}

function addressOf({ user, space }: Params): SpaceAddress | undefined {
  if (space === undefined) return undefined
  return user === undefined ? { name: space } : { owner: user, name: space }
}

function nothingAt({ path }: Target): SpaceError {
  return new SpaceError('NOT_FOUND', `There is nothing at ${quote(path)}.`)
}

function rightsOf(verbs: readonly Verb[]): Rights {
  const letters: Letter[] = []
  if (verbs.includes('GET')) letters.push('r')
  if (verbs.some((verb) => verb === 'PUT' || verb === 'POST' || verb === 'PATCH')) letters.push('w')
  if (verbs.includes('DELETE')) letters.push('d')
  return new Rights(letters, [...verbs, 'OPTIONS'])
}

function endOf(res: ServerResponse, stopping: AbortSignal): AbortSignal {
  const ended = new AbortController()
  const end = () => ended.abort()
  if (res.destroyed || stopping.aborted) end()
  else {
    res.once('close', end)
    stopping.addEventListener('abort', end, { once: true, signal: ended.signal })
  }
  return ended.signal
}
