import { randomBytes } from 'node:crypto'
import type { ScriptArg } from '../redis/scripts.js'
import type { Reaping } from './changing.js'
import { linkArgs, linkBy, refuseFor } from './copying.js'
import type { Engine } from './engine.js'
import { SpaceError } from './errors.js'
import { ROOT } from './names.js'
import type { CopyResult, Grafted, GraftRequest, GraftSource } from './operations.js'
import type { Location, OpContext } from './types.js'

/** Entries of a step, just as many as rows in a chunk of the journal (scripts/graft_step.lua). */
const STEP = 256
/** A copy that is silent for long counts as abandoned (maintenance.ts), and one file may take a while. */
const SILENCE_MS = 60_000
const NOWHERE: Location = { path: ROOT }

/** Builds what comes from elsewhere out of sight, and links it in as a copy is; whoever dies in between leaves it to the sweep. */
export async function graft(
  engine: Engine,
  op: OpContext,
  to: Location,
  source: GraftSource,
  request: GraftRequest = {},
): Promise<CopyResult & Reaping> {
  const id = randomBytes(8).toString('hex')
  const link = (as: OpContext, etag: Buffer, dry: boolean) => [
    ...linkArgs(as, NOWHERE, to, request, etag, id, dry),
    1,
    source.size,
    source.below ?? '',
  ]
  const subject = (limits = op.limits) => ({ to, limits })
  await engine.read('copy', op, ['', 0, '', ...link(op, randomBytes(16), true)], refuseFor(subject()))
  try {
    const building = new Building(engine, to, source, id)
    for await (const entry of source.entries) await building.add(entry)
    // What comes once has no use for an Idempotency-Key.
    const { idempotencyKey: _, ...as } = await building.finish()
    const etag = building.top?.file ? Buffer.from(building.top.file.blob.id, 'hex') : randomBytes(16)
    const result = await linkBy(engine, as, link(as, etag, false), etag, subject(as.limits))
    if (building.top?.file) await source.linked([building.top.file.blob.id])
    return result
  } catch (error) {
    await engine.run('copy_abandon', op.space, [id, 0])
    throw error
  }
}

/** A tree that grows out of sight. */
class Building {
  top: Grafted | undefined
  /** Node ids of the folders that are there, by folded path. */
  readonly #folders = new Map<string, number>()
  #waiting: Grafted[] = []
  #step = 0
  #told = Date.now()

  constructor(
    readonly engine: Engine,
    readonly to: Location,
    readonly source: GraftSource,
    readonly id: string,
  ) {}

  async add(entry: Grafted): Promise<void> {
    if (!this.top) {
      this.top = entry
      await this.#run(await this.source.reload(), [entry])
      return
    }
    this.#waiting.push(entry)
    if (this.#waiting.length === STEP) await this.#flush()
    else if (Date.now() - this.#told > SILENCE_MS) await this.#run(await this.source.reload(), [])
  }

  /** Everything has come. Resolves with the caller as he is now. */
  async finish(): Promise<OpContext> {
    if (!this.top) throw new SpaceError('CORRUPT', 'A tree to be grafted had not even a top.')
    if (this.#waiting.length > 0) await this.#flush()
    return this.source.reload()
  }

  async #flush(): Promise<void> {
    const entries = this.#waiting
    this.#waiting = []
    this.#step++
    await this.#run(await this.source.reload(), entries)
    await this.source.linked(entries.flatMap(({ file }) => (file ? [file.blob.id] : [])))
  }

  /** Without entries it only says that somebody is still at it. */
  async #run(op: OpContext, entries: readonly Grafted[]): Promise<void> {
    this.#told = Date.now()
    const args: ScriptArg[] = [this.id, this.#step, entries.length]
    for (const [index, { path, modified, file, properties }] of entries.entries()) {
      const parent = path.names.length === 0 ? 0 : this.#folders.get(path.folded.slice(0, -1).join('/'))
      if (parent === undefined)
        throw new SpaceError('BUSY', 'What is to be copied is being moved about; try again.')
      // By its number in the step, until the script has given it an id.
      if (!file) this.#folders.set(path.folded.join('/'), -1 - index)
      args.push(
        parent,
        path.folded.at(-1) ?? '',
        path.names.at(-1) ?? '',
        modified,
        file?.executable ? 1 : 0,
        file?.blob.size ?? '',
        file ? Buffer.from(file.blob.id, 'hex') : '',
        file ? Buffer.from(file.blob.md5, 'hex') : '',
        file ? Buffer.from(file.contentType, 'latin1') : '',
        properties?.size ?? 0,
      )
    }
    for (const { properties } of entries) for (const [name, value] of properties ?? []) args.push(name, value)
    const subject = { to: this.to, limits: op.limits }
    const answer = await this.engine.read('graft_step', op, args, refuseFor(subject))
    const first = answer[1] as number
    for (const [index, { path, file }] of entries.entries()) {
      if (!file) this.#folders.set(path.folded.join('/'), first + index)
    }
  }
}
