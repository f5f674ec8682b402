import { retrying } from '../redis/retry.js'
import type { RedisClient } from '../redis/scripts.js'
import { SharedQuestion } from '../redis/turn.js'
import { recordKey } from './keys.js'
import type { JournalMark } from './types.js'

/** Asks for so little of a space that all who ask in one turn of the event loop share a single command. */
export class Standing {
  readonly #record: SharedQuestion<(string | null)[]>

  constructor(redis: RedisClient) {
    this.#record = new SharedQuestion(redis, (key) =>
      retrying(() => redis.hmget(key, 'state', 'epoch', 'seq', 'locks')),
    )
  }

  /** Is everything in the space as it was at `mark`? False also where there are locks, whose end no journal tells. */
  async isUnchanged(space: string, mark: JournalMark): Promise<boolean> {
    const [state, epoch, seq, locks] = await this.#record.about(recordKey(space))
    return (
      state === 'live' &&
      epoch === mark.epoch &&
      Number(seq) === mark.seq &&
      (locks === null || locks === '0')
    )
  }
}
