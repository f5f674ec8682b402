/** All HTTP surfaces on one listener. */
import { setMaxListeners } from 'node:events'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { introduceDrive } from '../webdav/commands/options.js'
import { DavServer } from '../webdav/server.js'
import { JSON_TYPE } from './answer.js'
import type { AppDeps } from './deps.js'
import { healthAnswer, readyAnswer } from './health.js'
import { invitationFailure } from './invitations/failure.js'
import { invitationsRoot } from './invitations/tree.js'
import { joinPage } from './join-page.js'
import { createListener } from './listener.js'
import { NovemSurface } from './novem/surface.js'
import { novemRoot } from './novem/tree.js'
import { observe } from './observe.js'
import { Running } from './running.js'
import { storageFailure } from './storage/failure.js'
import { storageRoot } from './storage/tree.js'

const IDLE_TIMEOUT_MS = 120_000
const ROOT = /^\/+(?:[?#]|$)/

/** A surface answers every request to its paths, in its own envelope. It is given the URL as it was sent. */
interface Surface {
  readonly name: string
  readonly paths: RegExp
  /** Never rejects. */
  readonly serve: Serve
}
type Serve = (...request: [...Parameters<NovemSurface['serve']>]) => Promise<void>

/** Our URL space is a file tree, not a list of routes: its first segment says which surface is meant, and that reads the rest, raw. */
export function createApp(deps: AppDeps): App {
  const stopping = new AbortController()
  // Every stream that is open listens.
  setMaxListeners(0, stopping.signal)
  const novem = new NovemSurface(deps, novemRoot(), stopping.signal)
  const dav = new DavServer(deps)
  const storage = new NovemSurface(deps, storageRoot(), stopping.signal, storageFailure)
  const invitations = new NovemSurface(deps, invitationsRoot(), stopping.signal, invitationFailure)
  // The first whose paths match; the last takes all.
  const surfaces: readonly Surface[] = [
    { name: 'dav', paths: /^\/+dav(?:[/?#]|$)/, serve: (req, res, url) => dav.serve(req, res, url) },
    { name: 'healthz', paths: /^\/+healthz\/?(?:\?|$)/, serve: healthAnswer() },
    { name: 'readyz', paths: /^\/+readyz\/?(?:\?|$)/, serve: readyAnswer(deps) },
    { name: 'join', paths: /^\/+join\/?(?:\?|$)/, serve: joinPage(deps) },
    {
      name: 'storage',
      paths: /^\/+api\/+v1\/+space(?:[/?]|$)/,
      serve: (req, res, url) => storage.serve(req, res, url),
    },
    {
      name: 'invitations',
      paths: /^\/+v1\/+spaces(?:[/?]|$)/,
      serve: (req, res, url) => invitations.serve(req, res, url),
    },
    {
      name: 'novem',
      paths: /^/,
      serve: (req, res, url) => {
        if (req.method === 'OPTIONS' && ROOT.test(url)) introduceDrive(res)
        return novem.serve(req, res, url)
      },
    },
  ]
  return new App(surfaces, deps, stopping)
}

/** Listens, hands each request to its surface, and ends when what runs is done. */
export class App {
  readonly server: Server
  readonly #surfaces: readonly Surface[]
  readonly #deps: AppDeps
  readonly #stopping: AbortController
  readonly #running = new Running()

  /** `surfaces`: the first whose paths match, and the last for all else. `stopping` ends what waits. */
  constructor(surfaces: readonly Surface[], deps: AppDeps, stopping: AbortController) {
    this.#surfaces = surfaces
    this.#deps = deps
    this.#stopping = stopping
    this.server = createListener((req, res) => this.#serve(req, res), {
      idleTimeoutMs: deps.settings.idleTimeoutMs ?? IDLE_TIMEOUT_MS,
    })
  }

  get surfaces(): readonly string[] {
    return this.#surfaces.map(({ name }) => name)
  }

  /** Rejects with the system's error, and does not listen then. */
  async listen(at: { readonly host: string; readonly port: number }): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject).listen(at, () => {
        this.server.off('error', reject)
        resolve()
      })
    })
  }

  /** Takes no more connections, refuses requests that still come, and resolves when all that run have ended. */
  async close(): Promise<void> {
    this.#stopping.abort()
    // Connections that are answering now close when they are done, instead of waiting for another request.
    this.server.keepAliveTimeout = 1
    await new Promise((resolve) => this.server.close(resolve))
    await this.#running.ended()
  }

  #serve(req: IncomingMessage, res: ServerResponse): void {
    if (this.#stopping.signal.aborted) {
      refuse(res)
      return
    }
    const { listeners = [], isDraining } = this.#deps
    const url = req.url ?? '/'
    const { name, serve } = this.#surfaceOf(url, req.method)
    // The client's next request is to go to another process.
    if (isDraining?.()) res.shouldKeepAlive = false
    if (listeners.length > 0) observe(name, req, res, url, listeners)
    this.#running.add(serve(req, res, url))
  }

  #surfaceOf(url: string, method: string | undefined): Surface {
    // Drives look at the folders above the one they are to mount.
    const path = method === 'PROPFIND' && ROOT.test(url) ? '/dav' : url
    return this.#surfaces.find(({ paths }) => paths.test(path)) as Surface
  }
}

function refuse(res: ServerResponse): void {
  const body = JSON.stringify({ message: 'The server is stopping; ask again in a moment.' })
  res.writeHead(503, {
    'Content-Type': JSON_TYPE,
    'Content-Length': Buffer.byteLength(body),
    'Retry-After': '1',
    Connection: 'close',
  })
  res.end(body)
}
