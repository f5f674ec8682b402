import { Cluster, Command } from 'ioredis'
import type { RedisClient } from './scripts.js'
import { masterOf, slotOf } from './slots.js'

/** How long a replica may take. The connection waits meanwhile, with all that is behind. */
const PATIENCE_MS = 500
/** A key in the same slot as `key`, for a write that tells nothing. */
const MARK = 'w'

const waiters = new WeakMap<RedisClient, ReplicaWait>()

/** From now on scripts that write through `redis` answer when `replicas` replicas have their changes. */
export function requireReplicas(redis: RedisClient, replicas: number): void {
  if (replicas > 0) waiters.set(redis, new ReplicaWait(redis, replicas))
}

/**
 * Runs `write`, a command on `key`, and resolves with its answer once the replicas have it that `requireReplicas` asked for.
 * Otherwise it rejects with NOREPLICAS, and nobody knows yet whether the change will last: as after a lost reply, the caller
 * tries again and finds out.
 */
export function acknowledged<T>(redis: RedisClient, key: string, write: () => Promise<T>): Promise<T> {
  const wait = waiters.get(redis)
  return wait ? wait.after(key, write) : write()
}

/**
 * WAIT looks at what was written through its own connection. So it goes through the one that wrote, behind a small write that
 * makes it look even where an answer was only repeated, and it counts only if it is still the same connection afterwards:
 * another may lead to another master, which never heard of the change. Those who come while a WAIT is under way share the next.
 */
class ReplicaWait {
  readonly #rounds = new WeakMap<object, { readonly running: Promise<void>; next?: Promise<void> }>()

  constructor(
    readonly redis: RedisClient,
    readonly replicas: number,
  ) {}

  async after<T>(key: string, write: () => Promise<T>): Promise<T> {
    const before = this.#connection(key)
    const answer = await write()
    const connection = this.#connection(key)
    if (connection === undefined || connection !== before) throw uncertain('The connection changed')
    await this.#share(connection, key)
    if (this.#connection(key) !== connection) throw uncertain('The connection changed')
    return answer
  }

  #share(connection: object, key: string): Promise<void> {
    const round = this.#rounds.get(connection)
    if (!round) return this.#start(connection, key)
    round.next ??= round.running.catch(() => {}).then(() => this.#start(connection, key))
    return round.next
  }

  #start(connection: object, key: string): Promise<void> {
    const running = this.#wait(key)
    const round = { running }
    this.#rounds.set(connection, round)
    const done = () => {
      if (this.#rounds.get(connection) === round && !('next' in round)) this.#rounds.delete(connection)
    }
    running.then(done, done)
    return running
  }

  async #wait(key: string): Promise<void> {
    const mark = `${/^\{[^}]*\}/.exec(key)?.[0] ?? key}:${MARK}`
    const marked = this.redis.set(mark, '', 'PX', 60_000)
    const [count] = await Promise.all([this.redis.sendCommand(new Wait(mark, this.replicas)), marked])
    if ((count as number) >= this.replicas) return
    throw uncertain(`${count} of ${this.replicas} replicas have the change`)
  }

  /** The connection that commands on `key` go through now; it is another one after every reconnect. */
  #connection(key: string): object | undefined {
    return (this.redis instanceof Cluster ? masterOf(this.redis, key) : this.redis)?.stream
  }
}

/** WAIT names no key; this one goes where `key` is. */
class Wait extends Command {
  readonly #slot: number

  constructor(key: string, replicas: number) {
    super('wait', [replicas, PATIENCE_MS])
    this.#slot = slotOf(key)
  }

  override getSlot(): number {
    return this.#slot
  }
}

function uncertain(why: string): Error {
  return new Error(`NOREPLICAS ${why}.`)
}
