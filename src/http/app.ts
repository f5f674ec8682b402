/** All HTTP surfaces on one listener. */
import { setMaxListeners } from 'node:events'
import { METHODS } from 'node:http'
import Fastify, { type FastifyInstance, type FastifyPluginCallback } from 'fastify'
import { introduceDrive } from '../webdav/commands/options.js'
import { DavServer } from '../webdav/server.js'
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
  /** What Fastify's router sees instead of the path. */
  readonly prefix: string
  readonly paths: RegExp
  readonly serve: Serve
}
type Serve = (...request: [...Parameters<NovemSurface['serve']>]) => Promise<void>

/**
 * Our URL space is a file tree, not a list of routes: Fastify finds the surface by the first segment and keeps the server's
 * life (listening, draining, plugins); paths are read by the surface itself, raw, and bodies stay streams.
 */
export function createApp(deps: AppDeps): FastifyInstance {
  const stopping = new AbortController()
  // Every stream that is open listens.
  setMaxListeners(0, stopping.signal)
  const novem = new NovemSurface(deps, novemRoot(), stopping.signal)
  const dav = new DavServer(deps)
  const storage = new NovemSurface(deps, storageRoot(), stopping.signal, storageFailure)
  const invitations = new NovemSurface(deps, invitationsRoot(), stopping.signal, invitationFailure)
  // The first whose paths match; the last takes all.
  const surfaces: readonly Surface[] = [
    { prefix: '/dav', paths: /^\/+dav(?:[/?#]|$)/, serve: (req, res, url) => dav.serve(req, res, url) },
    { prefix: '/healthz', paths: /^\/+healthz\/?(?:\?|$)/, serve: healthAnswer() },
    { prefix: '/readyz', paths: /^\/+readyz\/?(?:\?|$)/, serve: readyAnswer(deps) },
    { prefix: '/join', paths: /^\/+join\/?(?:\?|$)/, serve: joinPage(deps) },
    {
      prefix: '/storage',
      paths: /^\/+api\/+v1\/+space(?:[/?]|$)/,
      serve: (req, res, url) => storage.serve(req, res, url),
    },
    {
      prefix: '/invitations',
      paths: /^\/+v1\/+spaces(?:[/?]|$)/,
      serve: (req, res, url) => invitations.serve(req, res, url),
    },
    {
      prefix: '/novem',
      paths: /^/,
      serve: (req, res, url) => {
        if (req.method === 'OPTIONS' && ROOT.test(url)) introduceDrive(res)
        return novem.serve(req, res, url)
      },
    },
  ]
  const surfaceOf = (url: string, method: string | undefined) => {
    // Drives look at the folders above the one they are to mount.
    if (method === 'PROPFIND' && ROOT.test(url)) return '/dav'
    return surfaces.find(({ paths }) => paths.test(url))?.prefix ?? '/novem'
  }
  const app = Fastify({
    serverFactory: (handler) =>
      createListener(handler, { idleTimeoutMs: deps.settings.idleTimeoutMs ?? IDLE_TIMEOUT_MS }),
    // The router sees the surface's name and nothing a stranger wrote.
    rewriteUrl: (req) => surfaceOf(req.url ?? '/', req.method),
  })
  // Without a body in Fastify's eyes, no parser touches it, whatever its Content-Type.
  const methods = METHODS.filter((method) => method !== 'CONNECT')
  for (const method of methods) app.addHttpMethod(method, { hasBody: false, overrideExisting: true })
  const running = new Running()
  for (const surface of surfaces) app.register(plugin(surface, methods, running, deps))
  app.addHook('preClose', async () => {
    stopping.abort()
    // Connections that are answering now close when they are done, instead of waiting for another request.
    app.server.keepAliveTimeout = 1
  })
  app.addHook('onClose', () => running.ended())
  return app
}

function plugin(
  { prefix, serve }: Surface,
  methods: string[],
  running: Running,
  { listeners = [], isDraining }: AppDeps,
): FastifyPluginCallback {
  const name = prefix.slice(1)
  return (scope, _options, done) => {
    scope.route({
      method: methods,
      url: prefix,
      exposeHeadRoute: false,
      handler: (request, reply) => {
        reply.hijack()
        // The client's next request is to go to another process.
        if (isDraining?.()) reply.raw.shouldKeepAlive = false
        if (listeners.length > 0) observe(name, request.raw, reply.raw, request.originalUrl, listeners)
        running.add(serve(request.raw, reply.raw, request.originalUrl))
      },
    })
    done()
  }
}
