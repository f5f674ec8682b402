import type { FinishedRequest, RequestListener } from './http/observe.js'
import type { Log } from './log.js'

/** Where a server writes. */
export interface Logs {
  readonly log: Log
  /** Absent: no access log is kept. */
  readonly access?: (line: AccessLine) => void
}

/** One line of the access log. Paths are the accounts' own names of things, which is why the log is off unless asked for. */
export interface AccessLine {
  readonly request: string
  /** Id of the account whose valid token came along. */
  readonly account?: string | undefined
  readonly surface: string
  readonly method: string
  /** Without the query, which may hold signatures and tokens. */
  readonly path: string
  readonly status: number
  readonly ms: number
  readonly received: number
  readonly sent: number
}

/** Hears of every request and hands a line to `write`. Health checks are left out. */
export function accessLog(write: (line: AccessLine) => void): RequestListener {
  return ({ notes, surface, method, path, status, ms, received, sent }: FinishedRequest) => {
    if (surface === 'healthz' || surface === 'readyz') return
    const { id, account } = notes
    const rounded = Math.round(ms * 10) / 10
    write({ request: id, account, surface, method, path, status, ms: rounded, received, sent })
  }
}
