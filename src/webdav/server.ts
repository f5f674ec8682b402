/**
 * WebDAV under `/dav/` (contract §9), on the frame of webdav-server: its server, command registry and extension points. All of
 * its commands are replaced, and so is the way a request reaches them; `webdav/README.md` says why.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { v2 } from 'webdav-server'
import { type Answer, send } from '../http/answer.js'
import { isGone } from '../http/connection.js'
import { Cors } from '../http/cors.js'
import type { AppDeps } from '../http/deps.js'
import { isServerFailure } from '../http/errors.js'
import { notesOf } from '../http/notes.js'
import { type RecalledAnswers, recalledAnswers } from '../http/recall.js'
import { tokenOf } from '../http/request-headers.js'
import { SpaceError } from '../space/errors.js'
import { type Command, namingSpace, originOf } from './call.js'
import { COMMANDS, notAllowed } from './commands/index.js'
import { anybodyOptions } from './commands/options.js'
import { DavError, davFailure } from './errors.js'
import { TokenAuthentication, TokenUsers } from './frame/authentication.js'
import { callOf, createContext, type DavContext } from './frame/context.js'
import { SpaceFileSystem } from './frame/file-system.js'
import { AccessPrivileges } from './frame/privileges.js'
import { hrefIn, parseDavTarget } from './target.js'
import { encodeSpace } from './xml/escape.js'

export class DavServer extends v2.WebDAVServer {
  readonly #deps: AppDeps
  readonly #cors: Cors
  readonly #recalled: RecalledAnswers

  constructor(deps: AppDeps) {
    super({
      rootFileSystem: new SpaceFileSystem(deps),
      httpAuthentication: new TokenAuthentication(new TokenUsers(deps.directory), deps),
      privilegeManager: new AccessPrivileges(),
      requireAuthentification: true,
      respondWithPaths: true,
      // Else the package reads its own package.json while requests come in.
      serverName: 'novem-spaces',
      version: '0',
    })
    this.#deps = deps
    this.#cors = new Cors(deps.settings.corsOrigins)
    this.#recalled = recalledAnswers(deps)
    this.methods = {}
    for (const [method, command] of Object.entries(COMMANDS)) this.method(method, this.#replace(command))
    this.onUnknownMethod(this.#replace(notAllowed))
    this.executeRequest = (req: IncomingMessage, res: ServerResponse) => this.serve(req, res, req.url ?? '/')
  }

  /** The way in for every request. Never rejects. `url` as it was sent. */
  async serve(req: IncomingMessage, res: ServerResponse, url: string): Promise<void> {
    let context: DavContext | undefined
    try {
      if (req.method === 'OPTIONS' && req.headers.authorization === undefined) {
        await this.#send(req, res, anybodyOptions(this.#cors, req.headers))
        return
      }
      const recalled = this.#recalled.isAsked(req) && (await this.#recalled.answer(req, res, url))
      if (recalled) await this.#send(req, res, recalled)
      else {
        context = this.#context(req, res, url)
        await this.#run(context)
        if (!res.headersSent && !isGone(req, res)) throw new Error('A command ended without an answer.')
      }
    } catch (error) {
      await this.#fail(req, res, notThere(req, error), context)
    }
  }

  #context(request: IncomingMessage, response: ServerResponse, url: string): DavContext {
    if (request.headers.host === undefined && request.httpVersionMinor === 1) {
      throw new SpaceError('BAD_REQUEST', 'The header Host is missing, which HTTP/1.1 requires.')
    }
    const { publicUrl, localUrl } = this.#deps.settings
    const origin = originOf(request, publicUrl ?? localUrl)
    const target = parseDavTarget(url, origin.root)
    return createContext({ server: this, request, response, target, origin, token: tokenOf(request.headers) })
  }

  /** As the package's own way in: who asks, then the command that was registered for the method. Rejects with whatever they throw. */
  async #run(context: DavContext): Promise<void> {
    context.user = await new Promise<v2.IUser>((resolve, reject) => {
      this.httpAuthentication.getUser(context, (error: Error | null, user) => {
        if (error) reject(error)
        else resolve(user as v2.IUser)
      })
    })
    const name = (context.request.method ?? '').toLowerCase()
    const method = Object.hasOwn(this.methods, name) ? this.methods[name] : this.unknownMethod
    await new Promise<void>((resolve) => {
      context.exit = resolve
      if (!method?.chunked) throw new Error(`The command ${name} takes no raw request.`)
      method.chunked(context, context.request, resolve)
    })
  }

  /** A command in the package's form: takes the raw request, answers whatever happens, and then says that it is done. */
  #replace(command: Command): v2.HTTPMethod {
    return {
      chunked: (ctx, _body, done) => {
        const context = ctx as DavContext
        this.#answer(context, command)
          .catch((error) => this.#fail(context.request, context.response, error, context))
          .then(done)
      },
    }
  }

  async #answer(context: DavContext, command: Command): Promise<void> {
    const call = callOf(context, this.#deps)
    notesOf(context.request).account = call.session.account.id
    if (!call.session.account.spacesEnabled) {
      throw new SpaceError('NOT_FOUND', `There is nothing at ${context.target.href}.`)
    }
    const answer = await command(call).catch(async (error: unknown) => {
      await context.presumed?.mayHear()
      throw error
    })
    this.#recalled.keep(context.request, call.loaded, answer)
    await this.#send(context.request, context.response, answer)
  }

  #send(req: IncomingMessage, res: ServerResponse, answer: Answer): Promise<void> {
    return send(req, res, answer, this.#cors.headers(req.headers))
  }

  /** Answers an error, or, where the answer has begun, leaves the connection cut, as `send` does. Never rejects. */
  async #fail(
    req: IncomingMessage,
    res: ServerResponse,
    error: unknown,
    context?: DavContext,
  ): Promise<void> {
    if (!(error instanceof DavError) && isServerFailure(error)) this.#report(req, error)
    if (res.headersSent || isGone(req, res)) {
      res.destroy()
      return
    }
    try {
      await this.#send(
        req,
        res,
        davFailure(context ? namingSpace(error, context) : error, (path) => hrefOf(context, path)),
      )
    } catch (failure) {
      this.#report(req, failure)
      res.destroy()
    }
  }

  #report(req: IncomingMessage, error: unknown): void {
    const cause = error instanceof Error ? (error.stack ?? error.message) : String(error)
    this.#deps.log.error(`${req.method} /dav/… (request ${notesOf(req).id}): ${cause}`)
  }
}

/** The path of an entry in the space of the request, as the client addresses it. */
function hrefOf(context: DavContext | undefined, path: string): string {
  if (context?.target.kind !== 'space') return '/'
  return hrefIn(`${context.origin.root}/${encodeSpace(context.target.spaceName)}`, path, false)
}

/** Finder asks for names such as "._.", which nothing here can have: for who only looks, that is nothing there. */
function notThere({ method }: IncomingMessage, error: unknown): unknown {
  if (method !== 'PROPFIND' || !(error instanceof SpaceError) || error.code !== 'BAD_NAME') return error
  return new SpaceError('NOT_FOUND', error.message)
}
