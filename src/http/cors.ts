/** Cross-origin use from browsers (Fetch standard, "CORS protocol"), for origins the operator has named. */
import type { IncomingHttpHeaders } from 'node:http'

const EXPOSED = [
  'Allow',
  'Content-Disposition',
  'Content-Range',
  'DAV',
  'ETag',
  'Last-Modified',
  'Link',
  'Lock-Token',
  'Retry-After',
  'X-NVM-Cursor',
  'X-NVM-Default',
  'X-NVM-Epoch',
  'X-NVM-Error',
  'X-NVM-Permissions',
  'X-NVM-Seq',
  'X-NVM-Snapshot',
  'X-NVM-Type',
  'X-OC-Mtime',
  'X-Request-Id',
].join(', ')

const PREFLIGHT_SECONDS = '7200'
const NONE: readonly string[] = []

export class Cors {
  readonly #origins: ReadonlySet<string>

  constructor(origins: readonly string[] = []) {
    this.#origins = new Set(origins)
  }

  /** Headers of any answer to this request. No cookies exist here, so credentials need no permission of their own. */
  headers({ origin }: IncomingHttpHeaders): readonly string[] {
    if (this.#origins.size === 0) return NONE
    const vary = ['Vary', 'Origin']
    if (origin === undefined || !this.#lets(origin)) return vary
    return [...vary, 'Access-Control-Allow-Origin', origin, 'Access-Control-Expose-Headers', EXPOSED]
  }

  /** Further headers of a pre-flight's answer; undefined where the request is none, or its origin may not. */
  preflight(headers: IncomingHttpHeaders, allow: string): readonly string[] | undefined {
    const { origin } = headers
    const method = headers['access-control-request-method']
    if (origin === undefined || method === undefined || !this.#lets(origin)) return undefined
    const wanted = headers['access-control-request-headers']
    return [
      'Access-Control-Allow-Methods',
      allow,
      'Access-Control-Max-Age',
      PREFLIGHT_SECONDS,
      ...(wanted === undefined ? [] : ['Access-Control-Allow-Headers', wanted]),
    ]
  }

  #lets(origin: string): boolean {
    return this.#origins.has('*') || this.#origins.has(origin)
  }
}
