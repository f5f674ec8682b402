import type { Logs } from '../access-log.js'
import type { ServeConfig } from '../config.js'
import { type Front, openFront } from '../front.js'
import { type Measured, measure } from '../metrics/measure.js'
import { openStore, type Store } from '../store.js'
import type { Counts, Order, Report } from './messages.js'

/**
 * A process that answers requests for `primary.ts`, until that says so. Background work is the primary's. A signal from
 * the terminal reaches all processes alike, so workers leave it to the primary, with which they end in any case.
 */
export async function runWorker(config: ServeConfig, logs: Logs): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => {})
  let store: Store | undefined
  let front: Front
  let measured: Measured | undefined
  try {
    store = await openStore(config, 'server', logs.log)
    measured = await measure(config, store)
    front = await openFront(config, store, logs, measured)
  } catch (error) {
    await store?.close()
    await report({ failed: (error as Error).message })
    process.exit(1)
  }
  const closed = new Promise<void>((resolve) => {
    process.on('message', (order: Order) => {
      if (order === 'cut off') front.cutOff()
      else if (order === 'close') resolve()
      else if (measured) tellCounts(measured)
    })
  })
  await report({ url: front.url })
  await closed
  await front.close()
  await store.close()
  process.exit(0)
}

async function tellCounts({ metrics }: Measured): Promise<void> {
  await report({ counts: await metrics.registry.getMetricsAsJSON() })
}

function report(what: Report | Counts): Promise<void> {
  return new Promise((resolve) => {
    process.send?.(what, () => resolve())
  })
}
