/**
 * Fetches a file by URL, without letting the URL reach what only this machine can (contract §7). Every hop's name is resolved
 * here, the addresses are judged, and the connection goes to one of just those: what a name means a moment later
 * changes nothing.
 */
import { promises as dns, type LookupAddress } from 'node:dns'
import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { SpaceError } from '../../space/errors.js'
import { quote } from '../../space/quote.js'
import { type AddressRange, mayFetchFrom } from './addresses.js'

export type Resolve = (host: string) => Promise<readonly LookupAddress[]>

export interface FetcherOptions {
  /** Ranges that may be fetched from besides public addresses. None unless said. */
  readonly allow?: readonly AddressRange[]
  /** All addresses of a name; the system's resolver unless said. Rejects where there are none. */
  readonly resolve?: Resolve
  /** For resolving, connecting and the first line of the answer, at every hop (10 s). */
  readonly connectMs?: number
  /** Between two pieces of the body (30 s). */
  readonly idleMs?: number
  /** For all of it (10 min). */
  readonly totalMs?: number
}

/** A file that is on its way. Its body fails with REMOTE_FAILED, or with whatever Node says when the other side breaks off. */
export interface RemoteFile {
  readonly body: IncomingMessage
  /** What the other side says; not to be relied on. */
  readonly length?: number
  readonly contentType?: string
}

const MOST_REDIRECTS = 5
const REDIRECTS = new Set([301, 302, 303, 307, 308])
const MOST_HEADER_BYTES = 32 * 1024

export class RemoteFetcher {
  readonly #allow: readonly AddressRange[]
  readonly #resolve: Resolve
  readonly #connectMs: number
  readonly #idleMs: number
  readonly #totalMs: number

  constructor(options: FetcherOptions = {}) {
    this.#allow = options.allow ?? []
    this.#resolve = options.resolve ?? ((host) => dns.lookup(host, { all: true, verbatim: true }))
    this.#connectMs = options.connectMs ?? 10_000
    this.#idleMs = options.idleMs ?? 30_000
    this.#totalMs = options.totalMs ?? 600_000
  }

  /**
   * Follows redirects to the file. Destroy the body when it is not read to its end; `signal` does so too.
   * BAD_REQUEST: not an http or https URL, an address that may not be fetched from, too many redirects, an answer that is no
   * file (4xx …). REMOTE_FAILED: the other side cannot be reached, fails (5xx), or takes too long.
   */
  async open(text: string, signal: AbortSignal): Promise<RemoteFile> {
    const late = AbortSignal.timeout(this.#totalMs)
    const ended = AbortSignal.any([signal, late])
    let url = parseRemoteUrl(text)
    for (let redirects = 0; ; redirects++) {
      const response = await this.#get(url, ended)
      const { location } = response.headers
      if (!REDIRECTS.has(response.statusCode ?? 0) || location === undefined) {
        return this.#file(url, response, late)
      }
      response.destroy()
      if (redirects === MOST_REDIRECTS) {
        throw refused(text, `it redirects more than ${MOST_REDIRECTS} times`)
      }
      url = parseRemoteUrl(location, url)
    }
  }

  #file(url: URL, response: IncomingMessage, late: AbortSignal): RemoteFile {
    const { statusCode = 0, headers } = response
    const encoding = headers['content-encoding'] ?? 'identity'
    if (statusCode !== 200 || encoding !== 'identity') {
      response.destroy()
      if (statusCode >= 500) throw failed(url, `it answered ${statusCode}`)
      throw refused(
        url.href,
        statusCode === 200
          ? `its bytes come with Content-Encoding ${quote(encoding)} though none was asked for`
          : `it answered ${statusCode}`,
      )
    }
    // What breaks while nobody reads is told to whoever reads next.
    response.on('error', () => {})
    response.setTimeout(this.#idleMs, () => {
      response.destroy(failed(url, `nothing came for ${this.#idleMs / 1000} s`))
    })
    const onLate = () => response.destroy(failed(url, `it took more than ${this.#totalMs / 1000} s`))
    late.addEventListener('abort', onLate)
    response.once('close', () => late.removeEventListener('abort', onLate))
    const { 'content-length': length, 'content-type': contentType } = headers
    return {
      body: response,
      ...(length !== undefined && { length: Number(length) }),
      ...(contentType !== undefined && { contentType }),
    }
  }

  async #get(url: URL, signal: AbortSignal): Promise<IncomingMessage> {
    const timeout = AbortSignal.timeout(this.#connectMs)
    const isSlow = () => timeout.aborted && !signal.aborted
    try {
      const addresses = await within(timeout, this.#addressesOf(url))
      return await connect(url, addresses, signal, timeout)
    } catch (error) {
      if (error instanceof SpaceError) throw error
      if (isSlow()) throw failed(url, `it did not answer within ${this.#connectMs / 1000} s`, error)
      throw failed(url, reason(error), error)
    }
  }

  /** Those that may be fetched from. The message says the same of names that do not exist: what is inside is nobody's business. */
  async #addressesOf({ hostname }: URL): Promise<readonly LookupAddress[]> {
    const host = hostname.replace(/^\[(.*)\]$/, '$1')
    const family = isIP(host)
    const found = family ? [{ address: host, family }] : await this.#resolve(host).catch(() => [])
    const allowed = found.filter(({ address }) => mayFetchFrom(address, this.#allow))
    if (allowed.length > 0) return allowed
    throw new SpaceError('BAD_REQUEST', `${quote(host)} has no address that this server may fetch from.`)
  }
}

/** The answer's head. `timeout` no longer matters once it is there. */
function connect(
  url: URL,
  addresses: readonly LookupAddress[],
  signal: AbortSignal,
  timeout: AbortSignal,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = (url.protocol === 'https:' ? https : http).request(url, {
      // A connection of its own: one that is kept may lead elsewhere than to what was judged now.
      agent: false,
      lookup: lookupIn(addresses),
      headers: { Accept: '*/*', 'Accept-Encoding': 'identity', 'User-Agent': 'novem-spaces' },
      maxHeaderSize: MOST_HEADER_BYTES,
      signal,
    })
    const onTimeout = () => request.destroy(new Error('time-out'))
    timeout.addEventListener('abort', onTimeout)
    request.on('error', reject)
    request.on('response', (response) => {
      timeout.removeEventListener('abort', onTimeout)
      resolve(response)
    })
    request.end()
  })
}

/** Instead of asking a resolver again. Addresses in URLs are not looked up: Node connects to them as they are. */
function lookupIn(addresses: readonly LookupAddress[]): LookupFunction {
  return (_host, { all }, callback) => {
    const [first] = addresses
    if (all) callback(null, [...addresses])
    else callback(null, first?.address ?? '', first?.family)
  }
}

/** BAD_REQUEST where it is not a URL that may be fetched at all. `base`: where a redirect comes from. */
export function parseRemoteUrl(text: string, base?: URL): URL {
  let url: URL
  try {
    url = new URL(text, base)
  } catch (cause) {
    throw new SpaceError('BAD_REQUEST', `${quote(text)} is not a URL.`, {}, { cause })
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw refused(text, 'only http and https URLs are')
  }
  if (url.username !== '' || url.password !== '') throw refused(text, 'it holds a user name or password')
  return url
}

/** Resolves or rejects as the promise does, or rejects when time is up. */
function within<T>(timeout: AbortSignal, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(timeout.reason)
    timeout.addEventListener('abort', onAbort)
    promise.then(resolve, reject).finally(() => timeout.removeEventListener('abort', onAbort))
  })
}

/** Happy Eyeballs fails with one error for each address. */
function reason(error: unknown): string {
  const [first = error] = error instanceof AggregateError ? error.errors : [error]
  const { code, message } = first as NodeJS.ErrnoException
  return code ?? message
}

function refused(url: string, why: string): SpaceError {
  return new SpaceError('BAD_REQUEST', `${quote(url)} is not fetched: ${why}.`)
}

function failed(url: URL, why: string, cause?: unknown): SpaceError {
  return new SpaceError('REMOTE_FAILED', `${quote(url.href)} could not be fetched: ${why}.`, {}, { cause })
}
