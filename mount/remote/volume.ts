/** A space on a server, over the novem HTTP API (contract §3, §4). */
import { SpaceError } from '../../src/space/errors.js'
import type {
  Address,
  Batch,
  ByteRange,
  Changed,
  Cursor,
  ItemAttributes,
  Keyed,
  Listing,
  Row,
  Stat,
  Take,
  Volume,
  VolumeInfo,
  WriteBody,
  WriteOptions,
} from '../volume.js'
import { entryPath, folderPath, lastingPath, spacePath } from './address.js'
import { Connection, PATIENCE, type Patience, type Request } from './connection.js'
import { infoOf, itemOf, listingOf, parse, rowOf, seqOf, shortnameOf, type WireRow } from './decode.js'
import { type Event, EventReader } from './events.js'
import type { Answer } from './exchange.js'

export interface RemoteOptions {
  /** An http or https URL. */
  readonly server: string
  readonly token: string
  /** `notes`, or `@owner~notes`. */
  readonly space: string
  readonly patience?: Partial<Patience & Pick<Following, 'silenceMs'>>
}

interface Following {
  /** The server's heart beats every 15 s; after more than two of them it is taken for dead. */
  readonly silenceMs: number
}

const SILENCE_MS = 35_000
const KEY = 'idempotency-key'
/** No entry has it, so a change that asks for it is never made. */
const NO_ETAG = '"0"'

class RemoteVolume implements Volume {
  readonly #connection: Connection
  readonly #name: string
  readonly #path: string
  readonly #silenceMs: number

  /** `path`: that of the space. */
  constructor(connection: Connection, path: string, { space, patience }: RemoteOptions) {
    this.#connection = connection
    this.#name = space
    this.#path = path
    this.#silenceMs = patience?.silenceMs ?? SILENCE_MS
  }

  async info(): Promise<VolumeInfo> {
    return infoOf(await this.#ask({ method: 'GET', path: '/usage' }), this.#name)
  }

  async stat(at: Address): Promise<Stat> {
    const answer = await this.#ask({ method: 'GET', path: entryPath(at, '&view=entry') })
    return { ...itemOf(answer), seq: seqOf(answer) }
  }

  async list(at: Address): Promise<Listing> {
    const request = { method: 'GET', path: entryPath(at, '&view=children'), isOpenEnded: true } as const
    return listingOf(await this.#ask(request))
  }

  read(at: Address, etag: string, range: ByteRange, take: Take, signal?: AbortSignal): Promise<void> {
    const path = this.#path + entryPath(at)
    return this.#connection.range({ path, range, headers: ['if-match', quoted(etag)], signal }, take)
  }

  async write(at: Address, body: WriteBody, options: WriteOptions): Promise<Changed> {
    const { key, ifMatch, ifNoneMatch, modified, executable, signal } = options
    const headers = [KEY, key]
    if (body.size !== undefined) headers.push('content-length', String(body.size))
    if (ifMatch !== undefined) headers.push('if-match', quoted(ifMatch))
    if (ifNoneMatch) headers.push('if-none-match', '*')
    if (modified !== undefined) headers.push('x-oc-mtime', seconds(modified))
    if (executable !== undefined) headers.push('x-nvm-executable', String(executable))
    const request: Request = { method: 'POST', path: entryPath(at), headers, body: () => body.open(), signal }
    return changed(await this.#ask(request))
  }

  async mkdir(at: Address, { key }: Keyed): Promise<Changed> {
    const headers = [KEY, key, 'if-none-match', '*']
    try {
      return changed(await this.#ask({ method: 'PUT', path: folderPath(at), headers }))
    } catch (error) {
      throw refused(error, 'PRECONDITION_FAILED', 'EXISTS')
    }
  }

  async move(
    from: Address,
    to: Address,
    { key, ifNoneMatch }: Keyed & { readonly ifNoneMatch?: boolean },
  ): Promise<Changed> {
    const headers = ifNoneMatch ? ['if-none-match', '*'] : []
    return changed(await this.#patch(from, { to: to.path, to_base: to.base }, key, headers))
  }

  async remove(
    at: Address,
    { key, ifMatch }: Keyed & { readonly ifMatch?: string },
  ): Promise<{ readonly seq: number }> {
    const headers = [KEY, key, ...matching(ifMatch)]
    return { seq: seqOf(await this.#ask({ method: 'DELETE', path: entryPath(at), headers })) }
  }

  /** A condition that nothing meets is looked at last: when it is what fails, nothing else would have. */
  async checkRemove(at: Address): Promise<void> {
    try {
      await this.#ask({ method: 'DELETE', path: entryPath(at), headers: ['if-match', NO_ETAG] })
    } catch (error) {
      if (!isRefusal(error, 'PRECONDITION_FAILED')) throw error
    }
  }

  async setAttributes(
    at: Address,
    { modified, executable }: ItemAttributes,
    { key, ifMatch }: Keyed & { readonly ifMatch?: string },
  ): Promise<Changed> {
    // What is undefined does not come into JSON.
    const attributes = {
      last_modified: modified === undefined ? undefined : modified / 1000,
      executable,
    }
    return changed(await this.#patch(at, attributes, key, matching(ifMatch)))
  }

  async *follow(since: Cursor, signal: AbortSignal): AsyncGenerator<Batch, void> {
    try {
      yield* this.#changes(since, signal)
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }

  close(): Promise<void> {
    return this.#connection.close()
  }

  async *#changes({ seq: since, epoch }: Cursor, signal: AbortSignal): AsyncGenerator<Batch, void> {
    const { body } = await this.#connection.streamOnce({
      method: 'GET',
      path: `${this.#path}/changes?since=${since}&epoch=${encodeURIComponent(epoch)}`,
      headers: ['accept', 'text/event-stream'],
      silenceMs: this.#silenceMs,
      signal,
    })
    const end = () => body.destroy(new Error('Nobody listens any more.'))
    signal.addEventListener('abort', end, { once: true })
    try {
      const reader = new EventReader()
      let seq = since
      for await (const chunk of body) {
        const rows = reader.push(chunk as Buffer).map(rowOfEvent)
        seq = rows.at(-1)?.seq ?? seq
        yield { rows, seq }
      }
    } finally {
      signal.removeEventListener('abort', end)
      body.destroy()
    }
    throw new SpaceError('UNAVAILABLE', 'The server has ended the stream of changes.')
  }

  #ask({
    method,
    path,
    headers,
    body,
    signal,
    isOpenEnded = false,
  }: Omit<Request, 'silenceMs'>): Promise<Answer> {
    return this.#connection.ask({ method, path: this.#path + path, headers, body, signal, isOpenEnded })
  }

  #patch(
    at: Address,
    body: Readonly<Record<string, unknown>>,
    key: string,
    headers: readonly string[],
  ): Promise<Answer> {
    const bytes = Buffer.from(JSON.stringify(body))
    return this.#ask({
      method: 'PATCH',
      path: entryPath(at),
      headers: [KEY, key, 'content-type', 'application/json', ...headers],
      body: () => bytes,
    })
  }
}

/**
 * Opens a space on a server. BAD_REQUEST where `space` names none, NOT_FOUND where there is no such space for this token,
 * UNAUTHENTICATED, UNAVAILABLE where the server cannot be reached. It stays the same space when it is renamed.
 */
export async function openRemoteVolume(options: RemoteOptions): Promise<Volume> {
  const { server, token, space, patience } = options
  const path = `${spacePath(space)}/usage`
  const connection = new Connection(server, token, { ...PATIENCE, ...patience })
  try {
    const shortname = shortnameOf(await connection.ask({ method: 'GET', path }))
    return new RemoteVolume(connection, lastingPath(shortname), options)
  } catch (error) {
    await connection.close()
    throw error
  }
}

function changed(answer: Answer): Changed {
  return { item: itemOf(answer).item, seq: seqOf(answer) }
}

function rowOfEvent({ type, data }: Event): Row {
  const value = parse<WireRow & Readonly<Record<string, unknown>>>(data)
  if (type !== 'reset') return rowOf(value)
  const { message, ...details } = value
  throw new SpaceError('EPOCH_GONE', String(message), details)
}

function matching(etag: string | undefined): string[] {
  return etag === undefined ? [] : ['if-match', quoted(etag)]
}

function quoted(etag: string): string {
  return `"${etag}"`
}

/** As `X-OC-Mtime` has it: with a fraction, so that no millisecond is lost. */
function seconds(ms: number): string {
  return (ms / 1000).toFixed(3)
}

function isRefusal(error: unknown, code: SpaceError['code']): error is SpaceError {
  return error instanceof SpaceError && error.code === code
}

/** The same refusal under the code that the mount knows it by. */
function refused(error: unknown, code: SpaceError['code'], as: SpaceError['code']): unknown {
  if (!isRefusal(error, code)) return error
  return new SpaceError(as, error.message, error.details, { cause: error })
}
