import { retrying } from '../../redis/retry.js'
import type { Engine } from '../engine.js'
import type { Findings } from './findings.js'
import { scan, viewFolder } from './folder.js'
import { unpackWayUp, type WayUp } from './packed.js'
import { readRecord } from './record.js'
import type { Walk } from './walk.js'

const STEP = 1000

/** What is kept beside the tree, looked at when the walk is over: the record, ways up and children of no folder. */
export class Leftovers {
  constructor(
    readonly engine: Engine,
    readonly findings: Findings,
    readonly walk: Walk,
    readonly repair: boolean,
    /** Nothing changed while the walk went on. */
    readonly quiet: boolean,
  ) {}

  async check(): Promise<void> {
    const next = await this.#record()
    await this.#waysUp()
    await this.#lost(next)
  }

  /** Resolves with the space's next id. */
  async #record(): Promise<number> {
    const { space } = this.findings
    const record = await readRecord(this.engine, space)
    if (!record) return 0
    const next = Number(record.fields.get('next'))
    const seq = Number(record.fields.get('seq'))
    const largest = this.walk.ids.largest
    const idsPassed = !(next > largest)
    const locks = Number(record.fields.get('locks') ?? 0)
    const locksMissed = locks !== record.locks
    const repaired = this.repair && (idsPassed || locksMissed || record.stuck.length > 0)
    if (repaired) await this.engine.run('mend_record', space, [largest + 1, ...record.stuck])
    if (idsPassed) {
      const detail = `The next id is ${record.fields.get('next')}, and an entry has the id ${largest}.`
      this.findings.add('record', detail, { repaired })
    }
    if (locksMissed) {
      const detail = `The space says that it has ${locks} locks, and has ${record.locks}.`
      this.findings.add('record', detail, { repaired })
    }
    for (const range of record.stuck) {
      const detail = `The range ${range} waits to be reaped, and nothing says of what.`
      this.findings.add('reaping', detail, { repaired })
    }
    if (seq !== record.last) {
      const detail = `The space’s seq is ${record.fields.get('seq')}, and the journal’s last row is ${record.last}.`
      this.findings.add('record', detail)
    }
    return next
  }

  /** Ways up of folders that are nowhere. */
  async #waysUp(): Promise<void> {
    const { space } = this.findings
    const suspects = new Map<number, WayUp | undefined>()
    await scan(
      (cursor) => this.engine.redis.hscanBuffer(`{${space}}:u`, cursor, 'COUNT', STEP),
      2,
      ([id, raw]) => {
        if (!this.walk.folders.has(Number(id))) suspects.set(Number(id), unpackWayUp(raw as Buffer))
      },
    )
    for (const [id, way] of suspects) {
      const view = await viewFolder(this.engine, space, {
        id,
        parent: way?.parent ?? 0,
        folded: way?.folded ?? '',
      })
      if (view || (await this.#outOfSight()) || !(await this.#exists(`u`, id))) continue
      const repaired = this.repair && (await this.engine.run('mend_way_up', space, [id, 0, ''])) === 1
      const detail = `There is a way up from the folder ${id}, and no such folder where it leads.`
      this.findings.add('way-up', detail, { repaired })
    }
  }

  /** Children and dead properties that no entry leads to. Ids from `next` on came after the walk. */
  async #lost(next: number): Promise<void> {
    const children: number[] = []
    const properties: number[] = []
    for (let from = 1; from < next; from += STEP) {
      const ids = Array.from({ length: Math.min(STEP, next - from) }, (_, i) => from + i)
      const folders = ids.filter((id) => !this.walk.folders.has(id))
      children.push(...(await this.#kept('d', folders)))
      const entries = folders.filter((id) => !this.walk.ids.has(id))
      properties.push(...(await this.#kept('p', entries)))
    }
    for (const id of children) {
      const found = await viewFolder(this.engine, this.findings.space, { id, parent: 0, folded: '' })
      if (found || (await this.#outOfSight()) || (await this.#kept('d', [id])).length === 0) continue
      this.findings.add(
        'lost-folder',
        `The children of the folder ${id} are kept, and no entry leads to them.`,
      )
    }
    await this.#lostProperties(properties)
  }

  async #lostProperties(ids: readonly number[]): Promise<void> {
    // An entry may have moved past the walk; who has properties and is not met in a quiet space is nowhere.
    if (ids.length === 0 || !this.quiet || (await this.#outOfSight())) return
    const { space } = this.findings
    for (const id of await this.#kept('p', ids)) {
      const repaired = this.repair && (await this.engine.run('mend_properties', space, [id])) === 1
      this.findings.add('properties', `There are dead properties of the entry ${id}, and no such entry.`, {
        repaired,
      })
    }
  }

  /** Those of the ids that have a key of this kind. */
  async #kept(kind: 'd' | 'p', ids: readonly number[]): Promise<number[]> {
    const exist = (some: readonly number[]) =>
      retrying(() => this.engine.redis.exists(...some.map((id) => `{${this.findings.space}}:${kind}:${id}`)))
    if (ids.length === 0 || (await exist(ids)) === 0) return []
    if (ids.length === 1) return [...ids]
    const half = ids.length >> 1
    return [...(await this.#kept(kind, ids.slice(0, half))), ...(await this.#kept(kind, ids.slice(half)))]
  }

  async #exists(hash: string, field: number): Promise<boolean> {
    const key = `{${this.findings.space}}:${hash}`
    return (await retrying(() => this.engine.redis.hexists(key, String(field)))) === 1
  }

  /** A recursive delete waits for the reaper, or a tree is being copied: there is more than what entries lead to. */
  async #outOfSight(): Promise<boolean> {
    return (await readRecord(this.engine, this.findings.space))?.outOfSight === true
  }
}
