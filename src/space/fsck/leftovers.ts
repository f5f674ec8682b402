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
  ) {}

  async check(): Promise<void> {
    const next = await this.#record()
    await this.#waysUp()
    await this.#lostFolders(next)
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
    const repaired = this.repair && (idsPassed || record.stuck.length > 0)
    if (repaired) await this.engine.run('mend_record', space, [largest + 1, ...record.stuck])
    if (idsPassed) {
      const detail = `The next id is ${record.fields.get('next')}, and an entry has the id ${largest}.`
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
      if (view || (await this.#cutOff()) || !(await this.#exists(`u`, id))) continue
      const repaired = this.repair && (await this.engine.run('mend_way_up', space, [id, 0, ''])) === 1
      const detail = `There is a way up from the folder ${id}, and no such folder where it leads.`
      this.findings.add('way-up', detail, { repaired })
    }
  }

  /** Children of a folder that no entry leads to. Ids from `next` on came after the walk. */
  async #lostFolders(next: number): Promise<void> {
    const { space } = this.findings
    const suspects: number[] = []
    for (let from = 1; from < next; from += STEP) {
      const ids = Array.from({ length: Math.min(STEP, next - from) }, (_, i) => from + i)
      const unknown = ids.filter((id) => !this.walk.folders.has(id))
      if (unknown.length === 0 || (await this.#kept(unknown)) === 0) continue
      for (const id of unknown) if ((await this.#kept([id])) > 0) suspects.push(id)
    }
    for (const id of suspects) {
      const found = await viewFolder(this.engine, space, { id, parent: 0, folded: '' })
      if (found || (await this.#cutOff()) || (await this.#kept([id])) === 0) continue
      this.findings.add(
        'lost-folder',
        `The children of the folder ${id} are kept, and no entry leads to them.`,
      )
    }
  }

  #kept(ids: readonly number[]): Promise<number> {
    const keys = ids.map((id) => `{${this.findings.space}}:d:${id}`)
    return retrying(() => this.engine.redis.exists(...keys))
  }

  async #exists(hash: string, field: number): Promise<boolean> {
    const key = `{${this.findings.space}}:${hash}`
    return (await retrying(() => this.engine.redis.hexists(key, String(field)))) === 1
  }

  /** A recursive delete waits for the reaper: what it cut off is out of the tree and still there. */
  async #cutOff(): Promise<boolean> {
    const ranges = await retrying(() => this.engine.redis.zcard(`{${this.findings.space}}:r`))
    return ranges > 0
  }
}
