/** What fsck can find wrong. */
export const PROBLEM_KINDS = {
  space: 'the directory and the spaces’ records disagree about which spaces there are',
  record: 'the space’s record contradicts what the space holds',
  entry: 'an entry cannot be read, bears a name it must not, or shares its id with another',
  totals: 'the totals of a folder or of the space are not those of what is in it',
  bounds: 'the upper bounds of a folder are lower than what is below it',
  index: 'the ordered index of a large folder does not name just the folder’s entries',
  'way-up': 'the record of where a folder is filed is wrong',
  'lost-folder': 'a folder’s children are kept, but no entry leads to them',
  properties: 'dead properties of an entry that is nowhere are kept',
  journal: 'the journal has a gap, or its replay is not the tree',
  reaping: 'what a recursive delete cut off cannot be taken apart',
  'blob-missing': 'an entry’s blob is not in the blob store',
  'blob-size': 'an entry’s blob has another size than the entry says',
  'blob-digest': 'an entry’s blob has another MD5 than the entry says',
  'blob-freed': 'an entry’s blob is among those that the collector will delete',
  'blob-uses': 'it is not as many entries that use a blob as are counted',
  'blob-orphan': 'the blob store holds a blob that no entry uses and the collector does not know of',
} as const

export type ProblemKind = keyof typeof PROBLEM_KINDS

export interface FsckProblem {
  readonly space: string
  readonly kind: ProblemKind
  /** Canonical path of the entry it is about. */
  readonly path?: string
  /** A sentence with the facts. */
  readonly detail: string
  /** It was wrong and is right now. */
  readonly repaired: boolean
}

/** Problems of one kind in one space that are told one by one; the rest is only counted. */
const TOLD = 200

/** Collects the problems of one space. */
export class Findings {
  readonly problems: FsckProblem[] = []
  readonly #counts = new Map<ProblemKind, number>()

  constructor(readonly space: string) {}

  add(kind: ProblemKind, detail: string, facts: { path?: string; repaired?: boolean } = {}): void {
    const count = (this.#counts.get(kind) ?? 0) + 1
    this.#counts.set(kind, count)
    if (count > TOLD) return
    const { path, repaired = false } = facts
    this.problems.push({ space: this.space, kind, ...(path !== undefined && { path }), detail, repaired })
  }

  has(kind: ProblemKind): boolean {
    return this.#counts.has(kind)
  }

  /** How many were found, those that were not told included. */
  get total(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0)
  }
}
