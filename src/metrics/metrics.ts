/**
 * What an operator wants to know of one process, for Prometheus. Loaded only where it was asked for. Every name and its meaning is
 * in the README beside this file; labels have few values, none of them anybody's name.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { WaitMeter } from '../http/deps.js'
import type { FinishedRequest } from '../http/observe.js'
import type { MaintenanceOptions, RoundResult } from '../maintenance.js'

const REQUEST_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
const STEP_SECONDS = [0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1, 5]
/** Methods that clients make up would be labels without end. */
const METHODS =
  /^(?:GET|HEAD|PUT|POST|PATCH|DELETE|OPTIONS|PROPFIND|PROPPATCH|MKCOL|COPY|MOVE|LOCK|UNLOCK|REPORT)$/

export class Metrics implements WaitMeter {
  readonly registry = new Registry()
  readonly #requests = this.#counter('http_requests_total', 'Requests by surface, method and status.', [
    'surface',
    'method',
    'status',
  ])
  readonly #requestSeconds = this.#histogram(
    'http_request_seconds',
    'From a request’s headers to the end of its answer; without those that wait for changes.',
    ['surface', 'method'],
    REQUEST_SECONDS,
  )
  readonly #bytes = this.#counter('http_bytes_total', 'Bytes over the connections, headers included.', [
    'surface',
    'direction',
  ])
  readonly #operations = this.#counter(
    'operations_total',
    'Operations on spaces by kind and result: ok, or the error’s code (SPACE_FULL, LOCKED …).',
    ['kind', 'result'],
  )
  readonly #operationSeconds = this.#histogram(
    'operation_seconds',
    'How long operations on spaces take.',
    ['kind'],
    STEP_SECONDS,
  )
  readonly #scriptSeconds = this.#histogram(
    'redis_script_seconds',
    'From the call of a Redis script to its answer, the way there and back included.',
    ['script'],
    STEP_SECONDS,
  )
  readonly #blobSeconds = this.#histogram(
    'blob_seconds',
    'Calls of the blob store: put until all bytes have come and are safe, get until the blob is open.',
    ['operation'],
    REQUEST_SECONDS,
  )
  readonly #blobFailures = this.#counter('blob_failures_total', 'Calls of the blob store that failed.', [
    'operation',
    'result',
  ])
  readonly #waiters = this.#gauge('journal_waiters', 'Who waits for changes now; client "mount": mounts.', [
    'kind',
    'client',
  ])
  readonly #lag = this.#histogram(
    'journal_lag_seconds',
    'From a change, by Redis’ clock, to its row on the way to somebody who waits, by ours.',
    [],
    STEP_SECONDS,
  )
  readonly #rounds = this.#counter(
    'maintenance_rounds_total',
    'Rounds of collector and repair, by outcome.',
    ['outcome'],
  )
  readonly #holder = this.#gauge(
    'maintenance_holder',
    '1 where this process does the maintenance; one of all does.',
  )
  readonly #lastRound = this.#gauge(
    'maintenance_last_round_timestamp_seconds',
    'When this process last ended a round; the newest of all processes counts.',
    [],
    'max',
  )
  readonly #collected = this.#counter('collector_blobs_total', 'Blobs the collector judged, by outcome.', [
    'outcome',
  ])
  readonly #collectorFailures = this.#counter(
    'collector_failures_total',
    'Steps of the collector that failed and stay for the next round.',
  )

  /** `reaping`: how many spaces wait for this process to take deleted trees apart. */
  constructor(reaping: () => number) {
    collectDefaultMetrics({ register: this.registry })
    const gauge: Gauge = new Gauge({
      name: 'novem_reaper_spaces',
      help: 'Spaces in which this process takes deleted trees apart.',
      registers: [this.registry],
      collect: () => gauge.set(reaping()),
    })
  }

  readonly request = ({ surface, method, status, ms, received, sent, notes }: FinishedRequest): void => {
    const verb = METHODS.test(method) ? method : 'other'
    this.#requests.inc({ surface, method: verb, status })
    if (!notes.waits) this.#requestSeconds.observe({ surface, method: verb }, ms / 1000)
    this.#bytes.inc({ surface, direction: 'received' }, received)
    this.#bytes.inc({ surface, direction: 'sent' }, sent)
  }

  readonly operation = (kind: string, result: string, ms: number): void => {
    this.#operations.inc({ kind, result })
    this.#operationSeconds.observe({ kind }, ms / 1000)
  }

  readonly script = (script: string, ms: number): void => {
    this.#scriptSeconds.observe({ script }, ms / 1000)
  }

  readonly blob = (operation: string, result: string, ms: number): void => {
    this.#blobSeconds.observe({ operation }, ms / 1000)
    if (result !== 'ok') this.#blobFailures.inc({ operation, result })
  }

  waiting(kind: 'poll' | 'stream', userAgent: string | undefined): () => void {
    const labels = { kind, client: userAgent?.startsWith('novem-mount') ? 'mount' : 'other' }
    this.#waiters.inc(labels)
    return () => this.#waiters.dec(labels)
  }

  woken(changed: number): void {
    this.#lag.observe(Math.max(0, Date.now() - changed) / 1000)
  }

  readonly maintenance: Pick<MaintenanceOptions, 'onRound' | 'onTurn'> = {
    onTurn: (isOurs) => this.#holder.set(isOurs ? 1 : 0),
    onRound: (result) => this.#round(result),
  }

  #round(result: RoundResult | undefined): void {
    this.#rounds.inc({ outcome: result ? 'done' : 'broken' })
    if (!result) return
    this.#lastRound.set(Date.now() / 1000)
    this.#collected.inc({ outcome: 'discarded' }, result.pendingDiscarded)
    this.#collected.inc({ outcome: 'settled' }, result.pendingSettled)
    this.#collected.inc({ outcome: 'deleted' }, result.freedDeleted)
    this.#collectorFailures.inc(result.failed)
  }

  #counter<L extends string>(name: string, help: string, labelNames: readonly L[] = []): Counter<L> {
    return new Counter({ name: `novem_${name}`, help, labelNames, registers: [this.registry] })
  }

  #gauge<L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[] = [],
    aggregator: 'sum' | 'max' = 'sum',
  ): Gauge<L> {
    return new Gauge({ name: `novem_${name}`, help, labelNames, aggregator, registers: [this.registry] })
  }

  #histogram<L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[],
    buckets: number[],
  ): Histogram<L> {
    return new Histogram({ name: `novem_${name}`, help, labelNames, buckets, registers: [this.registry] })
  }
}
