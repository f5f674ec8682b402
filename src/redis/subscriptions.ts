import { Cluster, type Redis } from 'ioredis'
import { retrying } from './retry.js'
import type { RedisClient } from './scripts.js'
import { masterOf } from './slots.js'

/** Sharded pub/sub channels that are heard, also after connections broke or slots moved. */
export interface Subscriptions {
  /** Resolves when Redis has acknowledged: what is published from then on is heard. UNAVAILABLE. */
  add(channel: string): Promise<void>
  drop(channel: string): void
  close(): void
}

export interface Listener {
  heard(channel: string, message: string): void
  /** The channel is heard again after a break, in which messages may have been missed. */
  again(channel: string): void
}

/** `redis`: a client of its own, used for nothing else; `close` ends it. */
export function subscriptions(redis: RedisClient, listener: Listener): Subscriptions {
  return redis instanceof Cluster ? new ClusterChannels(redis, listener) : new Channels(redis, listener)
}

/** One connection, which ioredis makes anew when it breaks. */
class Channels implements Subscriptions {
  readonly #redis: Redis
  readonly #channels = new Set<string>()

  constructor(redis: Redis, listener: Listener) {
    this.#redis = redis
    redis.on('smessage', (channel: string, message: string) => listener.heard(channel, message))
    redis.on('ready', () => {
      // Only what is read behind the acknowledgement misses nothing.
      for (const channel of this.#channels) {
        redis.ssubscribe(channel).then(
          () => listener.again(channel),
          () => undefined,
        )
      }
    })
  }

  async add(channel: string): Promise<void> {
    this.#channels.add(channel)
    await retrying(() => this.#redis.ssubscribe(channel))
  }

  drop(channel: string): void {
    this.#channels.delete(channel)
    // A failure leaves a subscription nobody listens to; it ends with the connection.
    this.#redis.sunsubscribe(channel).catch(() => undefined)
  }

  close(): void {
    this.#redis.disconnect()
  }
}

const PAUSE_MS = 200

/**
 * One connection to each master that has channels of ours. A channel is at home where its slot is; when that changes, or the
 * connection ends, it is taken to its new home, for as long as it takes.
 */
class ClusterChannels implements Subscriptions {
  readonly #cluster: Cluster
  readonly #listener: Listener
  readonly #nodes = new Map<string, Redis>()
  /** Where each channel is heard; undefined: nowhere yet. */
  readonly #homes = new Map<string, Redis | undefined>()
  #mending = false
  #closed = false

  constructor(cluster: Cluster, listener: Listener) {
    this.#cluster = cluster
    this.#listener = listener
    cluster.on('refresh', () => this.#mend())
  }

  async add(channel: string): Promise<void> {
    this.#homes.set(channel, this.#homes.get(channel))
    await retrying(() => this.#settle(channel))
  }

  drop(channel: string): void {
    this.#homes
      .get(channel)
      ?.sunsubscribe(channel)
      .catch(() => undefined)
    this.#homes.delete(channel)
  }

  close(): void {
    this.#closed = true
    for (const node of this.#nodes.values()) node.disconnect()
    this.#cluster.disconnect()
  }

  /** Takes a channel home; true where it was elsewhere. */
  async #settle(channel: string): Promise<boolean> {
    const home = this.#home(channel)
    if (this.#homes.get(channel) === home) return false
    try {
      await home.ssubscribe(channel)
    } catch (error) {
      this.#cluster.refreshSlotsCache()
      throw error
    }
    if (this.#homes.has(channel)) this.#homes.set(channel, home)
    else home.sunsubscribe(channel).catch(() => undefined)
    return true
  }

  /** A connection of ours to the master of the channel's slot. */
  #home(channel: string): Redis {
    const master = masterOf(this.#cluster, channel)
    if (!master) throw new Error('CLUSTERDOWN Nobody is known to serve the slot of the channel.')
    const key = `${master.options.host}:${master.options.port}`
    const known = this.#nodes.get(key)
    if (known) return known
    // Like all of a cluster's it ends for good when it breaks: another master may have to be asked then.
    const node = master.duplicate()
    node.on('smessage', (name: string, message: string) => this.#listener.heard(name, message))
    node.on('error', () => {})
    node.on('end', () => {
      if (this.#nodes.get(key) === node) this.#nodes.delete(key)
      this.#lost(node)
    })
    // Redis ended a subscription by itself: its slot has moved away.
    node.on('moved', () => this.#lost(node))
    this.#nodes.set(key, node)
    return node
  }

  #lost(node: Redis): void {
    if (this.#closed) return
    for (const [channel, home] of this.#homes) if (home === node) this.#homes.set(channel, undefined)
    this.#cluster.refreshSlotsCache()
    this.#mend()
  }

  async #mend(): Promise<void> {
    if (this.#mending) return
    this.#mending = true
    try {
      for (let again = true; again && !this.#closed; ) {
        again = false
        for (const channel of [...this.#homes.keys()]) {
          await this.#settle(channel).then(
            (moved) => moved && this.#listener.again(channel),
            () => {
              again = true
            },
          )
        }
        if (again) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS).unref())
      }
    } finally {
      this.#mending = false
    }
  }
}
