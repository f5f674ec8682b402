/** Commands to Redis that are given in one turn of the event loop leave together. */
import type { Redis } from 'ioredis'
import { stayAwake } from './awake.js'
import type { RedisClient } from './scripts.js'

/** Commands that leave together, at most: Redis is to begin with these while the rest of a turn is still being worked out. */
const MOST_TOGETHER = 8

interface Turn {
  /** Commands given since some left. */
  count: number
  /** What is to be sent behind all else. */
  readonly last: (() => void)[]
}

/** By connection; by client where it keeps its connections to itself, as a cluster's does. */
const turns = new WeakMap<object, Turn>()

/**
 * To be called before a command is sent. Those of one turn leave several in a system call, whichever requests they are for: waking
 * Redis costs as much as a small script.
 */
export function gather(redis: RedisClient): void {
  const { stream } = redis as Partial<Redis>
  if (!stream) return
  const turn = turnOf(redis)
  if (turn.count === MOST_TOGETHER) {
    stream.uncork()
    stream.cork()
    turn.count = 0
  }
  turn.count++
}

function turnOf(redis: RedisClient): Turn {
  const { stream, commandQueue } = redis as Partial<Redis>
  const connection = stream ?? redis
  const known = turns.get(connection)
  if (known) return known
  const turn: Turn = { count: 0, last: [] }
  turns.set(connection, turn)
  stream?.cork()
  setImmediate(() => {
    for (const send of turn.last) send()
    turns.delete(connection)
    stream?.uncork()
    if (commandQueue) stayAwake(commandQueue)
  })
  return turn
}

/** What one client has on its way, and whoever follows its changes. */
const FEW = 1

/** Are there more commands on their way than one client's? */
export function isBusy(redis: RedisClient): boolean {
  const { commandQueue } = redis as Partial<Redis>
  return commandQueue !== undefined && commandQueue.length > FEW
}

/**
 * A question to Redis that all share who ask it in one turn of the event loop. It leaves only when that turn is over, so nobody is told
 * what was true before they asked.
 */
export class SharedQuestion<T> {
  readonly #redis: RedisClient
  readonly #ask: (about: string) => Promise<T>
  readonly #asked = new Map<string, Promise<T>>()

  /** `ask` sends it. */
  constructor(redis: RedisClient, ask: (about: string) => Promise<T>) {
    this.#redis = redis
    this.#ask = ask
  }

  about(what: string): Promise<T> {
    const asked = this.#asked.get(what)
    if (asked) return asked
    const answer = new Promise<T>((resolve, reject) => {
      turnOf(this.#redis).last.push(() => {
        this.#asked.delete(what)
        this.#ask(what).then(resolve, reject)
      })
    })
    this.#asked.set(what, answer)
    return answer
  }
}
