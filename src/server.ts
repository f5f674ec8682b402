import type { ServeConfig } from './config.js'
import { type FirstAccount, makeFirstAccount } from './first-account.js'
import { type Front, openFront } from './front.js'
import type { Log } from './log.js'
import { Maintenance } from './maintenance.js'
import { openStore, type Store } from './store.js'
import { openWorkers } from './workers/primary.js'

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
  const firstAccount = await makeFirstAccount(store)
  const front = await (config.workers > 1
    ? openWorkers(config.workers, store.redisUrl, log)
    : openFront(config, store, log))
  const maintenance = new Maintenance({ ...store, log })
  maintenance.start()
  let closing: Promise<void> | undefined
  return {
    url: front.url,
    ...(firstAccount && { firstAccount }),
    close: () => {
      closing ??= stop(front, maintenance, store)
      return closing
    },
    cutOff: () => front.cutOff(),
  }
}

async function stop(front: Front, maintenance: Maintenance, store: Store): Promise<void> {
  await front.close()
  await maintenance.stop()
  await store.close()
}
