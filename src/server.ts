import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { ACCOUNT_SLOT } from './accounts/keys.js'
import { Throttle } from './accounts/throttle.js'
import type { ServeConfig } from './config.js'
import { type FirstAccount, makeFirstAccount } from './first-account.js'
import { createApp } from './http/app.js'
import { RemoteFetcher } from './http/remote/fetcher.js'
import type { Log } from './log.js'
import { createMailer, type Mailer } from './mail/mailer.js'
import { Maintenance } from './maintenance.js'
import { Watcher } from './space/watcher.js'
import { openStore, type Store } from './store.js'
import { urlSecret } from './url-secret.js'

export interface RunningServer {
  /** What links begin with: PUBLIC_URL, or where the server listens. */
  readonly url: string
  /** Only where this start made it. */
  readonly firstAccount?: FirstAccount
  /**
   * Refuses new requests, finishes those that run (for at most 30 s, then they are cut off), then ends background work,
   * connections and, last, the embedded Redis. Safe to repeat.
   */
  close(): Promise<void>
  /** Cuts off the requests that `close` still waits for. */
  cutOff(): void
}

const DRAIN_PATIENCE = 30_000

/** Puts the parts together and listens. Rejects with an Error that says what to do; nothing is left running then. */
export async function startServer(config: ServeConfig, log: Log): Promise<RunningServer> {
  const store = await openStore(config, 'server', log)
  try {
    return await serve(config, store, log)
  } catch (error) {
    await store.close()
    throw error
  }
}

async function serve(config: ServeConfig, store: Store, log: Log): Promise<RunningServer> {
  const { directory, blobs, spaces, redis } = store
  const firstAccount = await makeFirstAccount(store)
  const secret = await urlSecret(redis)
  const watcher = new Watcher(await store.connect('watcher'))
  let listening = ''
  const settings = {
    corsOrigins: config.corsOrigins,
    davInfinity: config.davDepth === 'infinity',
    // The port is known only once we listen, and until then nobody asks.
    get publicUrl() {
      return config.publicUrl ?? listening
    },
  }
  // The accounts' slot: of a cluster's masters the one that every request needs.
  const health = { redis: () => redis.exists(ACCOUNT_SLOT) }
  const throttle = new Throttle(redis)
  const mailer = mailerOf(config)
  const app = createApp({
    tree: spaces,
    blobs,
    directory,
    throttle,
    watcher,
    settings,
    urlSecret: secret,
    fetcher: new RemoteFetcher({ allow: config.fetchAllow }),
    log,
    health,
    ...(mailer && { mailer }),
  })
  try {
    await listen(app, config)
  } catch (error) {
    watcher.close()
    throw error
  }
  const { port } = app.server.address() as AddressInfo
  const maintenance = new Maintenance({ directory, spaces, blobs, log })
  maintenance.start()
  listening = `http://${shownHost(config.host)}:${port}`
  let closing: Promise<void> | undefined
  const stop = async () => {
    await drain(app, log)
    await maintenance.stop()
    watcher.close()
    await store.close()
  }
  return {
    url: settings.publicUrl,
    ...(firstAccount && { firstAccount }),
    close: () => {
      closing ??= stop()
      return closing
    },
    cutOff: () => app.server.closeAllConnections(),
  }
}

function mailerOf({ smtpUrl, mailFrom, publicUrl = 'http://localhost' }: ServeConfig): Mailer | undefined {
  return smtpUrl === undefined
    ? undefined
    : createMailer(smtpUrl, mailFrom ?? `no-reply@${new URL(publicUrl).hostname}`)
}

async function listen(app: FastifyInstance, { host, port }: ServeConfig): Promise<void> {
  try {
    await app.listen({ host, port })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EADDRINUSE') {
      throw new Error(`Port ${port} on ${host} is in use; choose another with PORT or --port.`, {
        cause: error,
      })
    }
    if (code === 'EACCES') {
      throw new Error(
        `Port ${port} on ${host} may not be used by this user; choose one above 1023 with PORT.`,
        {
          cause: error,
        },
      )
    }
    throw new Error(`Cannot listen on ${host}, port ${port}: ${(error as Error).message}.`, { cause: error })
  }
}

/** Fastify stops accepting, answers 503 on connections kept alive, and waits for requests that run. */
async function drain(app: FastifyInstance, log: Log): Promise<void> {
  const timer = setTimeout(() => {
    log.warn(`Some requests did not end within ${DRAIN_PATIENCE / 1000} s of stopping and were cut off.`)
    app.server.closeAllConnections()
  }, DRAIN_PATIENCE)
  await app.close()
  clearTimeout(timer)
}

/** An address that a browser on this machine can open. */
function shownHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost'
  return host.includes(':') ? `[${host}]` : host
}
