import { parsePath, ROOT } from '../../src/space/names.js'
import type { Grafted, GraftSource } from '../../src/space/operations.js'
import type { OpContext } from '../../src/space/types.js'
import { NamedBlobs } from './named-blobs.js'

/** A tree that comes from elsewhere, by the paths below its top; folders end with a slash. */
export class Load implements GraftSource {
  readonly linkedBlobs: string[] = []
  readonly below: number
  readonly size: number
  readonly blobs = new NamedBlobs()
  /** Called before each entry. */
  before: (path: string) => unknown = () => undefined

  constructor(
    readonly op: OpContext,
    readonly paths: readonly string[],
    readonly bytes = 10,
    readonly properties = new Map<string, string>(),
  ) {
    this.below = paths.length
    this.size = paths.filter((path) => !path.endsWith('/')).length * bytes
  }

  get entries(): AsyncIterable<Grafted> {
    return this.#read()
  }

  async *#read(): AsyncGenerator<Grafted> {
    yield { path: ROOT, modified: 1000, properties: this.properties }
    for (const path of this.paths) {
      await this.before(path)
      const { names, folded } = parsePath(path.replace(/\/$/, ''))
      const entry = { path: { names, folded }, modified: 2000, properties: this.properties }
      const file = () => ({ blob: this.blobs.put(this.bytes), contentType: 'text/ü', executable: true })
      yield path.endsWith('/') ? entry : { ...entry, file: file() }
    }
  }

  async reload(): Promise<OpContext> {
    return this.op
  }

  async linked(blobs: readonly string[]): Promise<void> {
    this.linkedBlobs.push(...blobs)
  }

  listing(top: string): string[] {
    return [top, ...this.paths.map((path) => `${top}/${path.replace(/\/$/, '')}`)].sort()
  }
}
