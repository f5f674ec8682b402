import type { BlobLedger } from '../../src/blobs/ledger.js'

/** What the tree would know, in memory: links, blobs let go with their time, and both kinds of claims. */
export class MemoryLedger implements BlobLedger {
  readonly linked = new Set<string>()
  readonly letGo = new Map<string, number>()
  readonly claimed = new Set<string>()
  readonly doomed = new Set<string>()
  readonly spaces = ['s1']
  claims = 0

  async claimPending(_space: string, blob: string): Promise<'live' | 'dead'> {
    this.claims++
    if (this.linked.has(blob)) return 'live'
    this.doomed.add(blob)
    return 'dead'
  }

  async countFreed(_space: string, olderThan: number): Promise<number> {
    return this.claimed.size + [...this.letGo.values()].filter((time) => time < olderThan).length
  }

  async freed(_space: string, olderThan: number, limit: number): Promise<string[]> {
    const old = [...this.letGo].filter(([, time]) => time < olderThan).slice(0, limit)
    for (const [blob] of old) {
      this.letGo.delete(blob)
      this.claimed.add(blob)
    }
    return [...this.claimed]
  }

  async forget(_space: string, blobs: readonly string[]): Promise<void> {
    for (const blob of blobs) this.claimed.delete(blob)
  }

  async *spacesWithWork(): AsyncGenerator<string> {
    yield* this.spaces
  }
}
