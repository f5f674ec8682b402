import type { MetricValues } from '../metrics/server.js'

/** What the primary process tells a worker. */
export type Order = 'close' | 'cut off' | 'count'

/** What a worker tells the primary process, once: that it listens, and where; or why it does not. */
export type Report = { readonly url: string } | { readonly failed: string }

/** What it answers to `count`. */
export interface Counts {
  readonly counts: MetricValues
}
