import { createHash, randomBytes } from 'node:crypto'
import { request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import type { Random } from '../support/random.js'

/** Path → SHA-1 of the bytes, or 'folder'. */
export type State = ReadonlyMap<string, string>

const FOLDER = 'folder'
const MOST_TRIES = 600

/** Where requests go: changes when the server starts anew. */
export interface Target {
  url: string
  readonly token: string
}

/**
 * A client that keeps a manifest: it changes a folder of its own over HTTP, one request after another, and notes what was
 * acknowledged. When a request gets no answer, or 503, the worker ends and knows two states that may be: with and without it.
 */
export class HttpWorker {
  acknowledged = 0
  /** Answers that nobody should get; empty if all is well. */
  readonly surprises: string[] = []
  #state: Map<string, string>
  #unanswered: State | undefined
  #stopped = false
  #names = 0

  constructor(
    readonly target: Target,
    readonly top: string,
    readonly random: Random,
    readonly onAcknowledged: () => void,
    state: State = new Map(),
  ) {
    this.#state = new Map(state)
  }

  /** What may be found now. */
  get possible(): State[] {
    return this.#unanswered ? [this.#state, this.#unanswered] : [this.#state]
  }

  stop(): void {
    this.#stopped = true
  }

  async work(): Promise<void> {
    while (!this.#stopped && !this.#unanswered) {
      const chance = this.random.fraction()
      if (chance < 0.6) await this.#write()
      else if (chance < 0.7) await this.#makeFolder()
      else if (chance < 0.85) await this.#move()
      else await this.#remove()
    }
  }

  async #write(): Promise<void> {
    const known = this.#paths((kind) => kind !== FOLDER)
    const replace = known.length > 0 && this.random.chance(0.3)
    const path = replace ? this.random.pick(known) : `${this.#folder()}/${this.#newName()}`
    const bytes = randomBytes(this.random.chance(0.1) ? 300_000 : this.random.below(4000))
    await this.#change('POST', path, bytes, {}, (state) => {
      addParents(state, path)
      state.set(path, createHash('sha1').update(bytes).digest('hex'))
    })
  }

  async #makeFolder(): Promise<void> {
    const path = `${this.#folder()}/${this.#newName()}/${this.#newName()}`
    await this.#change('PUT', path, undefined, {}, (state) => {
      addParents(state, path)
      state.set(path, FOLDER)
    })
  }

  /** A file or folder to a new place, or a file over another. */
  async #move(): Promise<void> {
    const from = this.#any()
    if (from === undefined) return
    const files = this.#paths((kind) => kind !== FOLDER).filter((path) => path !== from)
    const over = this.#state.get(from) !== FOLDER && files.length > 0 && this.random.chance(0.5)
    const to = over ? this.random.pick(files) : `${this.top}/${this.#newName()}/${this.#newName()}`
    const body = JSON.stringify({ to })
    await this.#change('PATCH', from, body, { 'content-type': 'application/json' }, (state) => {
      addParents(state, to)
      for (const [path, kind] of [...state]) {
        if (path !== from && !path.startsWith(`${from}/`)) continue
        state.delete(path)
        state.set(to + path.slice(from.length), kind)
      }
    })
  }

  async #remove(): Promise<void> {
    const gone = this.#any()
    if (gone === undefined) return
    await this.#change('DELETE', `${gone}?recursive=true`, undefined, {}, (state) => {
      for (const path of [...state.keys()]) {
        if (path === gone || path.startsWith(`${gone}/`)) state.delete(path)
      }
    })
  }

  async #change(
    method: string,
    path: string,
    body: string | Buffer | undefined,
    headers: Record<string, string>,
    apply: (state: Map<string, string>) => void,
  ): Promise<void> {
    const after = new Map(this.#state)
    apply(after)
    const status = await send(this.target, method, path, body, headers)
    if (status === undefined || status === 503) {
      this.#unanswered = after
    } else if (status >= 300) {
      this.surprises.push(`${method} ${path}: ${status}`)
      this.stop()
    } else {
      this.#state = after
      this.acknowledged++
      this.onAcknowledged()
    }
  }

  #newName(): string {
    return `n${this.#names++}${this.random.below(1e6)}`
  }

  #folder(): string {
    const folders = this.#paths((kind) => kind === FOLDER).filter((path) => path.split('/').length < 10)
    return folders.length > 0 ? this.random.pick(folders) : this.top
  }

  #any(): string | undefined {
    const paths = this.#paths(() => true).filter((path) => path !== this.top)
    return paths.length > 0 ? this.random.pick(paths) : undefined
  }

  #paths(wanted: (kind: string) => boolean): string[] {
    return [...this.#state].flatMap(([path, kind]) => (wanted(kind) ? [path] : []))
  }
}

function addParents(state: Map<string, string>, path: string): void {
  const names = path.split('/')
  for (let count = 1; count < names.length; count++) state.set(names.slice(0, count).join('/'), FOLDER)
}

/** The status, or undefined where no answer came. */
function send(
  { url, token }: Target,
  method: string,
  path: string,
  body: string | Buffer | undefined,
  headers: Record<string, string>,
): Promise<number | undefined> {
  return new Promise((resolve) => {
    const call = request(`${url}/${path}`, {
      method,
      headers: {
        ...headers,
        authorization: `Bearer ${token}`,
        'content-length': Buffer.byteLength(body ?? ''),
      },
    })
    call.on('error', () => resolve(undefined))
    call.on('response', (answer) => {
      answer.on('error', () => resolve(undefined)).on('end', () => resolve(answer.statusCode))
      answer.resume()
    })
    call.end(body)
  })
}

/** What is really there below a folder, every byte read. While the server says that it cannot serve yet, it is asked again. */
export async function readState({ url, token }: Target, top: string): Promise<State> {
  const read = async (path: string) => {
    for (let tries = 0; ; tries++) {
      const answer = await fetch(`${url}/${path}`, { headers: { authorization: `Bearer ${token}` } })
      if (answer.status !== 503) return answer
      const said = await answer.text()
      if (tries === MOST_TRIES) throw new Error(`${path} is still not served: ${said}`)
      await delay(50)
    }
  }
  const state = new Map<string, string>()
  const listing = await read(`${top}?recursive=true`)
  if (listing.status === 404) return state
  state.set(top, FOLDER)
  for (const { path, type } of (await listing.json()) as { path: string; type: string }[]) {
    if (type === 'dir') {
      state.set(path, FOLDER)
      continue
    }
    const file = await read(path)
    const bytes = Buffer.from(await file.arrayBuffer())
    state.set(path, file.ok ? createHash('sha1').update(bytes).digest('hex') : `status ${file.status}`)
  }
  return state
}
