/** A surface that is a tree of resources: from a request to an answer, whatever the resource. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Loaded, SpaceAddress } from '../../accounts/types.js'
import { SpaceError } from '../../space/errors.js'
import { quote } from '../../space/quote.js'
import { type Answer, send } from '../answer.js'
import { actionsOf, type Call, type Match, match, type Resource, VERBS, type Verb } from '../call.js'
import { clientAddress } from '../client.js'
import { isGone, whenGone } from '../connection.js'
import { Cors } from '../cors.js'
import type { AppDeps } from '../deps.js'
import { isServerFailure, novemFailure } from '../errors.js'
import { notesOf } from '../notes.js'
import { allowed, optionsAnswer } from '../options.js'
import { type PresumedCaller, presumeCaller } from '../presume.js'
import { type RecalledAnswers, recalledAnswers } from '../recall.js'
import { tokenOf } from '../request-headers.js'
import { type Letter, NOTHING, Rights } from '../rights.js'
import { loggedPath, parseQuery, parseTarget, type Target } from '../target.js'

const ALL_VERBS = 'GET, HEAD, PUT, POST, PATCH, DELETE, OPTIONS'

/** What is known before anything is asked of Redis. */
interface Request {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly target: Target
  readonly found: Match | undefined
  readonly token: string | undefined
}

export class NovemSurface {
  readonly #deps: AppDeps
  readonly #root: Resource
  readonly #cors: Cors
  readonly #recalled: RecalledAnswers
  readonly #stopping: AbortSignal
  readonly #failure: (error: unknown) => Answer

  /**
   * `root` is what stands at the empty path; `stopping` ends streams and waiting when the server stops; `failure` is the
   * surface's envelope of errors.
   */
  constructor(
    deps: AppDeps,
    root: Resource,
    stopping: AbortSignal,
    failure: (error: unknown) => Answer = novemFailure,
  ) {
    this.#failure = failure
    this.#deps = deps
    this.#root = root
    this.#cors = new Cors(deps.settings.corsOrigins)
    this.#recalled = recalledAnswers(deps)
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
      checkHost(req)
      const recalled = this.#recalled.isAsked(req) && (await this.#recalled.answer(req, res, url))
      if (recalled) return recalled
      const target = parseTarget(url)
      const found = match(this.#root, target.path, 0)
      const request = { req, res, target, found, token: tokenOf(req.headers) }
      return await (req.method === 'OPTIONS' ? this.#options(request) : this.#handle(request))
    } catch (error) {
      if (isServerFailure(error)) this.#report(req, url, error)
      return this.#failure(error)
    }
  }

  async #handle(request: Request): Promise<Answer> {
    const { req, target, found } = request
    const verb = (req.method === 'HEAD' ? 'GET' : req.method) as Verb
    const isOpen = found?.resource.open?.includes(verb) === true
    const mayPresume = found?.resource.presumes && verb !== 'GET'
    const presumed = mayPresume ? await this.#presumed(request) : undefined
    const loaded = isOpen ? {} : (presumed?.loaded ?? (await this.#load(request)))
    notesOf(req).account = loaded.session?.account.id
    if (!isOpen && !loaded.session) throw await this.#unauthenticated(request)
    const isHidden = found?.resource.gated && !isOpen && !loaded.session?.account.spacesEnabled
    if (!found || isHidden) throw nothingAt(target)
    const handler = found.resource.verbs[verb]
    if (!handler) throw otherVerb(request, found.resource)
    const answer = await handler(this.#call(request, found, loaded, presumed)).catch(
      async (error: unknown) => {
        await presumed?.mayHear()
        throw error
      },
    )
    this.#recalled.keep(req, loaded, answer)
    return answer
  }

  /** 200 on any path; anonymous pre-flights too (contract §1, "OPTIONS"). */
  async #options(request: Request): Promise<Answer> {
    const preflight = this.#cors.preflight(request.req.headers, ALL_VERBS)
    if (preflight) return optionsAnswer(NOTHING, preflight)
    return optionsAnswer(await this.#rights(request, await this.#load(request)))
  }

  async #rights(request: Request, loaded: Loaded): Promise<Rights> {
    if (!request.found) return NOTHING
    const { resource } = request.found
    if (!loaded.session) return resource.open ? rightsOf(resource.open) : NOTHING
    if (resource.gated && !loaded.session.account.spacesEnabled) return NOTHING
    if (!resource.rights) return rightsOf(VERBS.filter((verb) => resource.verbs[verb]))
    return resource.rights(this.#call(request, request.found, loaded))
  }

  #load({ token, found }: Request): Promise<Loaded> {
    return this.#deps.directory.load(token, found && addressOf(found))
  }

  #presumed({ req, token, found }: Request): Promise<PresumedCaller | undefined> {
    return presumeCaller(this.#deps.directory, req, token, found && addressOf(found))
  }

  #call({ req, res, target, token }: Request, found: Match, loaded: Loaded, presumed?: PresumedCaller): Call {
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
      presumed,
      reload: (address) => this.#deps.directory.load(token, address),
      ended: () => endOf(req, res, this.#stopping),
    }
  }

  /** Whoever guesses tokens is slowed down; a request without one guesses nothing. */
  async #unauthenticated({ req, token }: Request): Promise<SpaceError> {
    if (req.headers.authorization === undefined) {
      return new SpaceError(
        'UNAUTHENTICATED',
        'The header Authorization is missing; send "Authorization: Bearer <token>".',
      )
    }
    const { throttle, settings } = this.#deps
    if (token) await throttle.failedToken(clientAddress(req, settings.trustProxy))
    return new SpaceError('UNAUTHENTICATED', 'The header Authorization holds no valid token.')
  }

  #report(req: IncomingMessage, url: string, error: unknown): void {
    const cause = error instanceof Error ? (error.stack ?? error.message) : String(error)
    this.#deps.log.error(`${req.method} ${loggedPath(url)} (request ${notesOf(req).id}): ${cause}`)
  }
}

/** RFC 9112 §3.2: exactly one, or a proxy in front may have taken the request for another's. */
function checkHost(req: IncomingMessage): void {
  if (req.headers.host === undefined && req.httpVersionMinor === 1) {
    throw new SpaceError('BAD_REQUEST', 'The header Host is missing, which HTTP/1.1 requires.')
  }
  const { rawHeaders } = req
  let hosts = 0
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]
    if (name?.length === 4 && name.toLowerCase() === 'host') hosts++
  }
  if (hosts > 1) throw new SpaceError('BAD_REQUEST', `The header Host comes ${hosts} times.`)
}

function addressOf({ params: { user, space, spaceId }, resource }: Match): SpaceAddress | undefined {
  if (spaceId !== undefined) return addressOfId(spaceId)
  if (space === undefined) return undefined
  // No name begins so.
  if (user === undefined && resource.byShortname && space.startsWith('~'))
    return { shortname: space.slice(1) }
  return user === undefined ? { name: space } : { owner: user, name: space }
}

/** Contract §7: the shortname, or `owner~name`; account names have no tilde. */
function addressOfId(spaceId: string): SpaceAddress {
  const tilde = spaceId.indexOf('~')
  if (tilde === -1) return { shortname: spaceId }
  return { owner: spaceId.slice(0, tilde), name: spaceId.slice(tilde + 1) }
}

function nothingAt({ path }: Target): SpaceError {
  return new SpaceError('NOT_FOUND', `There is nothing at ${quote(path)}.`)
}

function otherVerb({ req, target }: Request, resource: Resource): SpaceError {
  const allow = allowed(actionsOf(resource))
  const message = `${quote(target.path)} does not take ${req.method}; it takes ${allow}.`
  return new SpaceError('METHOD_NOT_ALLOWED', message, { allow })
}

function rightsOf(verbs: readonly Verb[]): Rights {
  const letters: Letter[] = []
  if (verbs.includes('GET')) letters.push('r')
  if (verbs.some((verb) => verb === 'PUT' || verb === 'POST' || verb === 'PATCH')) letters.push('w')
  if (verbs.includes('DELETE')) letters.push('d')
  return new Rights(letters, [...verbs, 'OPTIONS'])
}

function endOf(req: IncomingMessage, res: ServerResponse, stopping: AbortSignal): AbortSignal {
  const ended = new AbortController()
  const end = () => ended.abort()
  if (isGone(req, res) || stopping.aborted) end()
  else {
    const leave = whenGone(req, end)
    res.once('close', () => {
      leave()
      end()
    })
    stopping.addEventListener('abort', end, { once: true, signal: ended.signal })
  }
  return ended.signal
}
