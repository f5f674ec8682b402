import type { RedisClient } from '../redis/scripts.js'
import { type Subscriptions, subscriptions } from '../redis/subscriptions.js'
import { ACCESS_CHANNEL, channelOf } from './keys.js'

/** Somebody's view of whether a space has changed since they last looked. */
export interface Watch {
  /**
   * Resolves with true as soon as anything changed since the watch began or this last resolved with true, also in who may
   * read the space; with false after `timeoutMs`; at once with false when `signal` aborts.
   */
  changed(timeoutMs: number, signal?: AbortSignal): Promise<boolean>
  close(): void
}

interface Channel {
  readonly ready: Promise<unknown>
  readonly waiting: Set<() => void>
  /** Counts messages. */
  version: number
  watches: number
}

/**
 * Wakes those who wait for changes. All waiters of a process share one subscriber connection.
 * A wake-up is never lost: `watch` resolves only when Redis has acknowledged the subscription, so who reads the journal
 * after that and then waits misses nothing; after a reconnect everybody is woken to read again.
 */
export class Watcher {
  readonly #subscriptions: Subscriptions
  readonly #channels = new Map<string, Channel>()
  /** By account id: the channels it reads, and how often it watches each. */
  readonly #readers = new Map<string, Map<string, number>>()
  #access: Promise<unknown> | undefined

  /** `redis`: a client of its own, used for nothing else; the watcher owns it. */
  constructor(redis: RedisClient) {
    this.#subscriptions = subscriptions(redis, {
      heard: (name, message) => {
        if (name === ACCESS_CHANNEL) this.#accessChanged(message)
        else this.#wake(name)
      },
      again: (name) => {
        if (name === ACCESS_CHANNEL) this.#accessChanged('*')
        else this.#wake(name)
      },
    })
  }

  /** `reader`: id of the account that watches, to be woken too when it loses a token, a plan, a flag, itself. */
  async watch(space: string, reader?: string): Promise<Watch> {
    const name = channelOf(space)
    const channel = this.#channels.get(name) ?? this.#open(name)
    channel.watches++
    if (reader !== undefined) this.#count(reader, name, 1)
    let closed = false
    const close = () => {
      if (closed) return
      closed = true
      channel.watches--
      if (reader !== undefined) this.#count(reader, name, -1)
      if (channel.watches === 0) this.#close(name, channel)
    }
    try {
      await channel.ready
    } catch (error) {
      close()
      throw error
    }
    let seen = channel.version
    const changed = async (timeoutMs: number, signal?: AbortSignal): Promise<boolean> => {
      if (channel.version === seen && !signal?.aborted) await next(channel, timeoutMs, signal)
      const news = channel.version !== seen && !signal?.aborted
      if (news) seen = channel.version
      return news
    }
    return { changed, close }
  }

  close(): void {
    for (const name of this.#channels.keys()) this.#wake(name)
    this.#subscriptions.close()
  }

  #open(name: string): Channel {
    this.#access ??= this.#subscriptions.add(ACCESS_CHANNEL).catch((error: unknown) => {
      this.#access = undefined
      throw error
    })
    const ready = Promise.all([this.#subscriptions.add(name), this.#access])
    const channel: Channel = { ready, waiting: new Set(), version: 0, watches: 0 }
    this.#channels.set(name, channel)
    return channel
  }

  #close(name: string, channel: Channel): void {
    if (this.#channels.get(name) !== channel) return
    this.#channels.delete(name)
    this.#subscriptions.drop(name)
  }

  #accessChanged(message: string): void {
    const names =
      message === '*'
        ? this.#channels.keys()
        : message.split(' ').flatMap((id) => [channelOf(id), ...(this.#readers.get(id)?.keys() ?? [])])
    for (const name of new Set(names)) this.#wake(name)
  }

  #count(reader: string, name: string, more: 1 | -1): void {
    const watches = this.#readers.get(reader) ?? new Map<string, number>()
    const count = (watches.get(name) ?? 0) + more
    if (count > 0) watches.set(name, count)
    else watches.delete(name)
    if (watches.size > 0) this.#readers.set(reader, watches)
    else this.#readers.delete(reader)
  }

  #wake(name: string): void {
    const channel = this.#channels.get(name)
    if (!channel) return
    channel.version++
    for (const wake of [...channel.waiting]) wake()
  }
}

function next(channel: Channel, timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      channel.waiting.delete(done)
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, timeoutMs)
    channel.waiting.add(done)
    signal?.addEventListener('abort', done, { once: true })
  })
}
