import { SpaceError } from '../space/errors.js'

/** How long a call is tried again before it is given up, in milliseconds. */
export const RETRY_DEADLINE_MS = 10_000

const FIRST_PAUSE_MS = 10
const LONGEST_PAUSE_MS = 400
/** So long a try gets at least, or all the time there is: where this process itself stood still, Redis is not to blame. */
const LEAST_TRY_MS = 1000

/** Replies that say "not now": the command did not run, and may well run on the next try. */
const NOT_NOW =
  /^(?:LOADING|READONLY|TRYAGAIN|CLUSTERDOWN|MASTERDOWN|NOREPLICAS|BUSY|MOVED|ASK)\b|Too many Cluster redirections|Script attempted to (?:access a non local key|execute a (?:write )?command while the cluster is down)/

/** Replies that say "not at all, until the operator does something". */
const OUT_OF_ORDER = /^(?:OOM|MISCONF|NOAUTH|WRONGPASS|NOPERM)\b/

/** ioredis' own ways to say that the connection was or went down, by error name and by message. */
const CONNECTION_NAMES = new Set(['AbortError', 'MaxRetriesPerRequestError', 'ClusterAllFailedError'])
const CONNECTION_MESSAGES =
  /^(?:Connection is closed|Command timed out|Stream isn't writeable|Socket timeout|connect ETIMEDOUT|None of startup nodes|Node is disconnected|Connection is (?:aborted|discarded))/
const CONNECTION_CODES =
  /^E(?:CONN|PIPE|TIMEDOUT|HOSTUNREACH|NETUNREACH|NETDOWN|AI_AGAIN|NOENT|ACCES)|^ENOTFOUND$/

/** What a failed call to Redis means for its caller. */
export type Failure = 'try-again' | 'out-of-order' | 'answer'

/** `answer`: Redis ran the command and its reply was an error, or the error is not Redis' at all. */
export function classify(error: unknown): Failure {
  if (!(error instanceof Error) || error instanceof SpaceError) return 'answer'
  if (error.name === 'ReplyError' || NOT_NOW.test(error.message)) {
    if (NOT_NOW.test(error.message)) return 'try-again'
    return OUT_OF_ORDER.test(error.message) ? 'out-of-order' : 'answer'
  }
  const code = (error as NodeJS.ErrnoException).code ?? ''
  const connection =
    CONNECTION_NAMES.has(error.name) || CONNECTION_MESSAGES.test(error.message) || CONNECTION_CODES.test(code)
  return connection ? 'try-again' : 'answer'
}

export interface RetryOptions {
  readonly deadlineMs?: number
}

/**
 * Calls `fn` until it answers, as long as the connection or the server is what fails. `fn` must be safe to run again:
 * after a connection error nobody knows whether the command ran, so mutations carry an operation id. `attempt` counts
 * from 0. Rejects with UNAVAILABLE when the time is over (the outcome is then unknown) or when Redis refuses to work at
 * all; what a script answered is passed on untouched.
 */
export async function retrying<T>(
  fn: (attempt: number) => Promise<T>,
  { deadlineMs = RETRY_DEADLINE_MS }: RetryOptions = {},
): Promise<T> {
  const deadline = Date.now() + deadlineMs
  const least = Math.min(deadlineMs, LEAST_TRY_MS)
  for (let attempt = 0; ; attempt++) {
    try {
      return await within(fn(attempt), Math.max(deadline - Date.now(), least))
    } catch (error) {
      const failure = classify(error)
      if (failure === 'answer') throw error
      const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt)
      if (failure === 'out-of-order' || Date.now() + pause >= deadline) {
        throw new SpaceError('UNAVAILABLE', unavailableMessage(failure, error as Error), {}, { cause: error })
      }
      await new Promise((resolve) => setTimeout(resolve, pause))
    }
  }
}

function unavailableMessage(failure: Failure, error: Error): string {
  return failure === 'out-of-order'
    ? `Redis refuses to work: ${error.message}`
    : 'Redis does not answer at the moment; the request may be tried again.'
}

/** A command waits in ioredis' offline queue while the connection is down: give up in time all the same. */
function within<T>(promise: Promise<T>, ms: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new SpaceError('UNAVAILABLE', `Redis has not answered for ${ms} milliseconds.`)),
      ms,
    )
    promise.then(
      (value) => {
        clearTimeout(timer)
        resolve(value)
      },
      (error) => {
        clearTimeout(timer)
        reject(error)
      },
    )
  })
}
