import { createHash } from 'node:crypto'
import { retrying } from '../redis/retry.js'
import {
  type RedisClient,
  type ScriptArg,
  type ScriptReply,
  Scripts,
  scriptsFolder,
} from '../redis/scripts.js'
import { AnotherSpace } from './another-space.js'
import { SpaceError } from './errors.js'
import { findOperation } from './history.js'
import type { JournalRow } from './journal.js'
import { recordKey } from './keys.js'
import { foldName } from './names.js'
import type { Segments } from './segments.js'
import type { Access, OpContext, Presumption } from './types.js'

/** A script's refusal, before it became an error: a code and what the script adds to it. */
export type Refusal = readonly [code: string, ...facts: ScriptReply[]]

export type Answer = readonly ScriptReply[]

/** How a change that was interrupted learns its outcome. */
export interface Change<T> {
  readonly script: string
  readonly args: readonly ScriptArg[]
  /** Operation id, hex: a file write's etag, else 16 hex at random. */
  readonly id: string
  /** What an Idempotency-Key is bound to: the verb and its paths. */
  readonly fingerprint: string
  decode(answer: Answer): T
  /** The reply was lost, the journal says that the operation ran. Absent: it writes no row, so its answer is always kept. */
  recover?(row: JournalRow): Promise<T>
  refuse(refusal: Refusal): SpaceError
}

const BUSY_TRIES = 6
const BUSY_PAUSE_MS = 40

/** Whether an account may change what is in a space: only the account slot knows. */
export type MayWrite = (accountId: string, space: string) => Promise<boolean>

/** Runs the space's scripts: reads again where Redis was away, changes exactly once. */
export class Engine {
  readonly #scripts: Scripts

  /**
   * `segments`: reads what of journals is sealed.
   * `mayWrite`: a lock whose holder may no longer write is broken by whoever meets it; absent: every lock binds.
   */
  constructor(
    readonly redis: RedisClient,
    readonly mayWrite?: MayWrite,
    readonly segments?: Segments,
  ) {
    this.#scripts = new Scripts(redis, scriptsFolder(import.meta.url, 'space'))
  }

  /** A script on the space's record that may be run any number of times. */
  run(script: string, space: string, args: readonly ScriptArg[]): Promise<ScriptReply> {
    return retrying(() => this.#scripts.run(script, [recordKey(space)], args))
  }

  /** A script that changes nothing; who asks is confirmed before. */
  async read(
    script: string,
    asked: OpContext,
    args: readonly ScriptArg[],
    refuse: Change<unknown>['refuse'],
  ): Promise<Answer> {
    const op = isOpen(asked) ? await asked.presumed.confirm(asked) : asked
    const all = [...callerArgs(op), ...args]
    return this.#patiently(
      () => op,
      () => this.run(script, op.space, all) as Promise<Answer>,
      refuse,
    )
  }

  /**
   * A script that changes something. After a lost reply the first attempt is fenced off, the journal is asked whether it
   * ran, and only if not it is run again (src/README.md, "A reply can be lost").
   * `changeFor`: the same change, with the same id, for who asks as it turned out. Raises `AnotherSpace`.
   */
  async change<T>(asked: OpContext, changeFor: (op: OpContext) => Change<T>): Promise<T> {
    let op = asked
    let change = changeFor(op)
    const keyed = op.idempotencyKey !== undefined || !change.recover
    const id = op.idempotencyKey === undefined ? change.id : keyedId(op)
    const began = Date.now()
    const key = recordKey(op.space)
    let attempts = 0
    const attemptOnce = async (): Promise<Answer | JournalRow> => {
      // Counted over the repetitions of a BUSY change too: once fenced, always behind the fence.
      const attempt = attempts++
      if (attempt > 0 && !keyed) {
        const kept = await this.#scripts.run('fence', [key], [id])
        if (kept) return kept as Answer
        const row = await findOperation(this.redis, op.space, change.id, began)
        if (row) return row
      }
      const run = async () => {
        const keys = isOpen(op) ? [key, op.presumed.key] : [key]
        const head = [...callerArgs(op), id, attempt, keyed ? change.fingerprint : '']
        return (await this.#scripts.run(change.script, keys, [...head, ...change.args])) as Answer
      }
      const answer = await run()
      if (!isOpen(op)) return answer
      if (refusalOf(answer)?.[0] !== 'PRESUMED') {
        op.presumed.held()
        return answer
      }
      // Whether an earlier attempt ran only its key tells, and to whom it may be told is no longer known: what was put for it must stay.
      if (attempt > 0 && keyed) {
        throw new SpaceError('UNAVAILABLE', 'The answer was lost; ask again with the same Idempotency-Key.')
      }
      op = await op.presumed.confirm(op)
      if (op.space !== asked.space) throw new AnotherSpace(op)
      change = changeFor(op)
      return run()
    }
    const outcome = await this.#patiently(
      () => op,
      () => retrying(attemptOnce),
      (refusal) => change.refuse(refusal),
    )
    if (isAnswer(outcome)) return change.decode(outcome)
    return toldOf((change.recover as NonNullable<typeof change.recover>)(outcome))
  }

  /** Repeats what a script found impossible for the moment only, a few times, and whenever a lock in the way was void. */
  async #patiently<T extends Answer | JournalRow>(
    op: () => OpContext,
    attempt: () => Promise<T>,
    refuse: Change<unknown>['refuse'],
  ): Promise<T> {
    let broken: Set<string> | undefined
    for (let tries = 1; ; ) {
      const outcome = await attempt()
      const refusal = isAnswer(outcome) ? refusalOf(outcome) : undefined
      if (!refusal) return outcome
      broken ??= new Set()
      if (refusal[0] === 'LOCKED' && (await this.#breakVoid(op(), refusal, broken))) continue
      if (refusal[0] !== 'BUSY' || tries === BUSY_TRIES) throw refuse(refusal)
      await new Promise((resolve) => setTimeout(resolve, BUSY_PAUSE_MS * tries++))
    }
  }

  /** Contract §9: a lock ends with its holder's write access. False where it stands, or has been met before. */
  async #breakVoid(op: OpContext, [, ...facts]: Refusal, broken: Set<string>): Promise<boolean> {
    const [token, path, holder] = facts.map(text) as [string, string, string]
    if (!this.mayWrite || broken.has(token) || (await this.mayWrite(holder, op.space))) return false
    broken.add(token)
    const folded = path.split('/').map(foldName).join('/')
    await this.run('unlock', op.space, [...callerArgs(op), token, 0, '', '', folded, token, '', 1])
    return true
  }
}

/** The change was made: what keeps its answer from being told, such as lost access, must not be taken for its refusal. */
async function toldOf<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (cause) {
    throw new SpaceError('UNAVAILABLE', 'The change was made, but nothing can be told of it.', {}, { cause })
  }
}

export function accessOf(letter: ScriptReply): Access {
  const code = (letter as Buffer)[0]
  return { owner: code === 0x6f, write: code !== 0x72 }
}

export function text(reply: ScriptReply | undefined): string {
  return String(reply ?? '')
}

/** A grant counts in its own space only, whatever the caller is asked about. */
function callerArgs(op: OpContext): ScriptArg[] {
  const { space, caller, lockTokens } = op
  const { accountId, grant } = caller
  const letter = grant?.space === space ? grant.letter : '-'
  const presumed = isOpen(op) ? letter + op.presumed.version : letter
  return [accountId, lockTokens === undefined ? presumed : [presumed, ...lockTokens].join(' ')]
}

/** Nobody has said yet that what is presumed holds. */
function isOpen(op: OpContext): op is OpContext & { readonly presumed: Presumption } {
  return op.presumed?.holds === false
}

/** The operation id of what is asked for under an Idempotency-Key. */
export function keyedId(op: OpContext): string {
  return createHash('sha256')
    .update(`${op.caller.accountId}\0${op.idempotencyKey}`)
    .digest('hex')
    .slice(0, 32)
}

function isAnswer(outcome: Answer | JournalRow): outcome is Answer {
  return Array.isArray(outcome)
}

function refusalOf(answer: Answer): Refusal | undefined {
  const first = answer[0]
  if (!(first instanceof Buffer) || first.length !== 1 || first[0] !== 0x45) return undefined
  return [text(answer[1]), ...answer.slice(2)]
}
