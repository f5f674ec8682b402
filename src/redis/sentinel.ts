import { Redis, type RedisOptions } from 'ioredis'

/** Between being given up by ioredis and beginning anew, ms. */
const PAUSE_MS = 50

/**
 * A client of whoever is master by the word of the sentinels, for as long as nobody calls `disconnect()`.
 *
 * ioredis 6 ends a client for good that hears of a new master (`failoverDetector`) while it is itself just asking for the
 * master (`SentinelConnector.connect`: "Connection is closed"), as every client does whose master was killed. Such a client
 * begins anew here.
 */
export class SentinelClient extends Redis {
  #ended = false

  constructor(options: RedisOptions & { replyMapping?: 'legacy' }) {
    super(options)
    this.on('end', () => {
      if (!this.#ended) setTimeout(() => this.#again(), PAUSE_MS)
    })
  }

  override disconnect(reconnect = false): void {
    if (!reconnect) this.#ended = true
    super.disconnect(reconnect)
  }

  #again(): void {
    // Its failure is told by the events `error` and `end`.
    if (!this.#ended) this.connect().catch(() => undefined)
  }
}
