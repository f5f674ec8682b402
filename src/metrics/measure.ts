/** Puts measuring round the parts of a server. Where no port was given nothing of this is loaded, and nothing is measured. */
import type { BlobStore } from '../blobs/store.js'
import type { ServeConfig } from '../config.js'
import { observeScripts } from '../redis/scripts.js'
import type { Spaces } from '../space/spaces.js'
import type { Store } from '../store.js'
import type { Metrics } from './metrics.js'
import type { MetricsServer, MetricValues } from './server.js'
import { timed } from './timed.js'

export interface Measured {
  readonly metrics: Metrics
  /** The store's, measured. */
  readonly tree: Pick<Spaces, (typeof OPERATIONS)[number] | 'createSpace' | 'deleteSpace'>
  readonly blobs: BlobStore
  /** Serves them on the operator's port, with what other processes have counted. */
  serve(config: ServeConfig, others: () => Promise<readonly MetricValues[]>): Promise<MetricsServer>
}

const OPERATIONS = [
  'stat',
  'list',
  'look',
  'tree',
  'checkWrite',
  'write',
  'mkdir',
  'move',
  'remove',
  'setAttributes',
  'copy',
  'graft',
  'lock',
  'refreshLock',
  'unlock',
  'properties',
  'changeProperties',
  'changes',
  'isUnchanged',
  'info',
  'readMeta',
  'writeMeta',
] as const

/** Those that take their time; `pending` and `list` are streams. */
const BLOB_CALLS = ['put', 'settle', 'discard', 'get', 'lend', 'read', 'size', 'delete'] as const

/** Undefined where METRICS_PORT is not given. */
export async function measure(config: ServeConfig, store: Store): Promise<Measured | undefined> {
  if (config.metricsPort === undefined) return undefined
  const { Metrics } = await import('./metrics.js')
  const { serveMetrics } = await import('./server.js')
  const { redis, spaces, blobs } = store
  const metrics = new Metrics(() => spaces.reaping)
  observeScripts(redis, metrics.script)
  return {
    metrics,
    tree: timed(spaces, OPERATIONS, metrics.operation),
    blobs: timed(blobs, BLOB_CALLS, metrics.blob),
    serve: ({ metricsHost: host, metricsPort: port = 0 }, others) =>
      serveMetrics({ host, port }, metrics.registry, others),
  }
}
