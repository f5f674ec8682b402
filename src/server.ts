import type { Logs } from './access-log.js'
import { Lease } from './accounts/lease.js'
import type { ServeConfig } from './config.js'
import { type FirstAccount, makeFirstAccount } from './first-account.js'
import { type Front, openFront } from './front.js'
import { Maintenance } from './maintenance.js'
import { measure } from './metrics/measure.js'
import { closeAll, openStore, type Store } from './store.js'
import { openWorkers } from './workers/primary.js'

export interface RunningServer {
  /** What links begin with: PUBLIC_URL, or where the server listens. */
  readonly url: string
  /** Only where this start made it. */
  readonly firstAccount?: FirstAccount
  /**
   * Says so at `/readyz`, goes on for DRAIN_WAIT, refuses new requests then, finishes those that run (for at most 30 s, then they are cut off), then ends background work,
   * connections and, last, the embedded Redis. Safe to repeat.
   */
  close(): Promise<void>
  /** Waits no longer: neither for balancers nor for the requests that run, which are cut off. */
  cutOff(): void
}

/** Longer than a process waits between two rounds, so that it keeps them. */
const MAINTENANCE_LEASE_MS = 150_000

/** Puts the parts together and listens. Rejects with an Error that says what to do; nothing is left running then. */
export async function startServer(config: ServeConfig, logs: Logs): Promise<RunningServer> {
  const store = await openStore(config, 'server', logs.log)
  const opened: (() => unknown)[] = [() => store.close()]
  try {
    return await serve(config, store, logs, opened)
  } catch (error) {
    await closeAll(opened)
    throw error
  }
}

/** What is opened here is put before what `opened` has; closed is in that order. */
async function serve(
  config: ServeConfig,
  store: Store,
  logs: Logs,
  opened: (() => unknown)[],
): Promise<RunningServer> {
  const { log } = logs
  let front: Front | undefined
  const firstAccount = await makeFirstAccount(store)
  const measured = await measure(config, store)
  if (measured) {
    const server = await measured.serve(config, async () => front?.metrics?.() ?? [])
    log.info(`Metrics are at ${server.url}`)
    opened.unshift(() => server.close())
  }
  const maintenance = new Maintenance(
    { ...store, log, ...(measured && { blobs: measured.blobs }) },
    {
      freedGraceMs: config.freedGrace * 1000,
      journalKeep: config.journalKeep,
      ...maintenanceLease(config, store),
      ...measured?.metrics.maintenance,
    },
  )
  opened.unshift(() => maintenance.stop())
  const listening = await (config.workers > 1
    ? openWorkers(config.workers, store.redisUrl, log)
    : openFront(config, store, logs, measured))
  front = listening
  opened.unshift(() => listening.close())
  maintenance.start()
  let closing: Promise<void> | undefined
  return {
    url: listening.url,
    ...(firstAccount && { firstAccount }),
    close: () => {
      closing ??= closeAll(opened)
      return closing
    },
    cutOff: () => listening.cutOff(),
  }
}

/** Whose Redis is embedded in this process is the only one, and after a crash need not wait for the lease it had. */
function maintenanceLease({ redisUrl }: ServeConfig, { redis }: Store): { readonly lease?: Lease } {
  return redisUrl === undefined ? {} : { lease: new Lease(redis, 'maintenance', MAINTENANCE_LEASE_MS) }
}
