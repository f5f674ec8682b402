import { type Answer, type Engine, text } from '../engine.js'

/** What Redis says of a space as a whole. */
export interface SpaceRecord {
  readonly fields: ReadonlyMap<string, string>
  /** Seq of the journal's last row, 0 where it has none. */
  readonly last: number
  /** Ranges to reap of which nothing else is known. */
  readonly stuck: readonly string[]
  /** Trees that were cut off and not reaped yet, or that are being copied: no entry leads to them, and they are in use. */
  readonly outOfSight: boolean
  readonly locks: number
}

export async function readRecord(engine: Engine, space: string): Promise<SpaceRecord | undefined> {
  const answer = (await engine.run('fsck_record', space, [])) as Answer
  const flat = answer[0] as readonly Buffer[]
  if (flat.length === 0) return undefined
  const fields = new Map<string, string>()
  for (let at = 0; at < flat.length; at += 2) fields.set(text(flat[at]), text(flat[at + 1]))
  const last = Number.parseInt(text(answer[1]), 10) || 0
  const stuck = (answer[2] as readonly Buffer[]).map(text)
  return { fields, last, stuck, outOfSight: answer[3] === 1, locks: answer[4] as number }
}
