import type { Directory } from '../accounts/directory.js'
import type { TreeLife } from '../accounts/lifecycle.js'
import type { Throttle } from '../accounts/throttle.js'
import type { BlobStore } from '../blobs/store.js'
import type { Log } from '../log.js'
import type { Mailer } from '../mail/mailer.js'
import type { TreeOperations } from '../space/operations.js'
import type { RequestListener } from './observe.js'
import type { AddressRange } from './remote/addresses.js'
import type { RemoteFetcher } from './remote/fetcher.js'

/** Wakes those who wait for a space's journal. Subscribed when `watch` resolves: read the journal after that, then wait. */
export interface Watching {
  /** `reader`: id of the account that waits, woken too when it loses something. */
  watch(
    space: string,
    reader?: string,
  ): Promise<{
    /** True when something changed since the watch began or this last said so; false after `timeoutMs` or an abort. */
    changed(timeoutMs: number, signal?: AbortSignal): Promise<boolean>
    close(): void
  }>
}

/** Counts those who wait for changes. */
export interface WaitMeter {
  /** Somebody begins to wait; call the result when they do no more. */
  waiting(kind: 'poll' | 'stream', userAgent: string | undefined): () => void
  /** Rows go out to somebody who waited; `changed`: when the first of them was made (ms since 1970). */
  woken(changed: number): void
}

export interface HttpSettings {
  /** Proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed; none unless said. */
  readonly trustProxy?: readonly AddressRange[]
  /**
   * What our own URLs begin with, without a slash at the end: `https://files.example.org`; absent: as a trusted proxy was
   * called, else `localUrl`, else as the client calls us.
   */
  readonly publicUrl?: string
  readonly localUrl?: string
  /** Origins that may use the server from a browser; `*` lets in all. None unless said. */
  readonly corsOrigins?: readonly string[]
  /** False: a PROPFIND of a whole tree is refused; it is answered as a stream unless said. */
  readonly davInfinity?: boolean
  /** A connection on which nothing moves for this long is closed (ms). */
  readonly idleTimeoutMs?: number
  /** How often an open event stream says that it is alive, and checks that its reader still may read (ms). */
  readonly heartbeatMs?: number
}

export interface PresignedRead {
  /** How long it is good. */
  readonly seconds: number
  readonly contentType: string
  /** `Content-Disposition` of the answer. */
  readonly disposition: string
}

/** What the HTTP surfaces are made of. */
export interface AppDeps {
  readonly tree: TreeOperations & TreeLife
  readonly blobs: BlobStore
  readonly directory: Directory
  readonly throttle: Throttle
  readonly watcher: Watching
  /** Sends invitations; absent where no mail server is configured. */
  readonly mailer?: Mailer
  readonly settings: HttpSettings
  /** Signs URLs; the same in every process of an installation. */
  readonly urlSecret: Buffer
  /** Fetches files by URL; absent: from public addresses only. */
  readonly fetcher?: RemoteFetcher
  /** Addresses at which clients read blobs without us; absent where the operator has not turned that on. */
  readonly presign?: (space: string, blob: string, options: PresignedRead) => Promise<string>
  readonly log: Log
  /** Told of every request. */
  readonly listeners?: readonly RequestListener[]
  readonly waits?: WaitMeter
  /** True from when the server is to stop: `/readyz` says so, and every answer closes its connection. */
  readonly isDraining?: () => boolean
  /** What `/readyz` asks, by name; each rejects with what is wrong. */
  readonly health?: Readonly<Record<string, () => Promise<unknown>>>
}
