import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { accessLog, type Logs } from './access-log.js'
import { ACCOUNT_SLOT } from './accounts/keys.js'
import { Throttle } from './accounts/throttle.js'
import type { ServeConfig } from './config.js'
import { type App, createApp } from './http/app.js'
import { RemoteFetcher } from './http/remote/fetcher.js'
import type { Log } from './log.js'
import { createMailer, type Mailer } from './mail/mailer.js'
import type { Measured } from './metrics/measure.js'
import type { MetricValues } from './metrics/server.js'
import { Watcher } from './space/watcher.js'
import type { Store } from './store.js'
import { urlSecret } from './url-secret.js'
import { growYoungGeneration } from './young-generation.js'

/** The part of a server that answers requests: one listener in this process, or in several. */
export interface Front {
  /** What links begin with: PUBLIC_URL, or where it listens. */
  readonly url: string
  /**
   * Says so at `/readyz` and goes on for DRAIN_WAIT, then refuses new requests and finishes those that run, for at most 30 s; then
   * they are cut off. Once.
   */
  close(): Promise<void>
  /** What other processes that answer requests have counted; absent where there are none. */
  metrics?(): Promise<readonly MetricValues[]>
  /** Waits no longer: neither for balancers nor for the requests that run, which are cut off. */
  cutOff(): void
}

const DRAIN_PATIENCE = 30_000

/** Listens in this process. Rejects with an Error that says what to do; nothing is left listening then. */
export async function openFront(
  config: ServeConfig,
  store: Store,
  { log, access }: Logs,
  measured?: Measured,
): Promise<Front> {
  growYoungGeneration()
  const { directory, redis, presign } = store
  const metrics = measured?.metrics
  const secret = await urlSecret(redis)
  const watcher = new Watcher(await store.connect('watcher'))
  let listening = ''
  const { corsOrigins, trustProxy, publicUrl } = config
  const settings = {
    corsOrigins,
    trustProxy,
    davInfinity: config.davDepth === 'infinity',
    ...(publicUrl !== undefined && { publicUrl }),
    // The port is known only once we listen, and until then nobody asks.
    get localUrl() {
      return listening
    },
  }
  const draining = new AbortController()
  const hurried = new AbortController()
  const mailer = mailerOf(config)
  const app = createApp({
    tree: measured?.tree ?? store.spaces,
    blobs: measured?.blobs ?? store.blobs,
    directory,
    throttle: new Throttle(redis),
    watcher,
    settings,
    urlSecret: secret,
    fetcher: new RemoteFetcher({ allow: config.fetchAllow }),
    log,
    // The accounts' slot: of a cluster's masters the one that every request needs.
    health: { redis: () => redis.exists(ACCOUNT_SLOT) },
    isDraining: () => draining.signal.aborted,
    listeners: [...(access ? [accessLog(access)] : []), ...(metrics ? [metrics.request] : [])],
    ...(metrics && { waits: metrics }),
    ...(mailer && { mailer }),
    ...(presign && config.s3Downloads === 'direct' && { presign }),
  })
  try {
    await listen(app, config)
  } catch (error) {
    watcher.close()
    throw error
  }
  const { port } = app.server.address() as AddressInfo
  listening = `http://${shownHost(config.host)}:${port}`
  return {
    url: publicUrl ?? listening,
    close: async () => {
      draining.abort()
      await delay(config.drainWait * 1000, undefined, { signal: hurried.signal }).catch(() => undefined)
      await drain(app, log)
      watcher.close()
    },
    cutOff: () => {
      hurried.abort()
      app.server.closeAllConnections()
    },
  }
}

function mailerOf({ smtpUrl, mailFrom, publicUrl = 'http://localhost' }: ServeConfig): Mailer | undefined {
  return smtpUrl === undefined
    ? undefined
    : createMailer(smtpUrl, mailFrom ?? `no-reply@${new URL(publicUrl).hostname}`)
}

async function listen(app: App, { host, port }: ServeConfig): Promise<void> {
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

/** Stops accepting, and waits for requests that run. */
async function drain(app: App, log: Log): Promise<void> {
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
