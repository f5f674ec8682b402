/** Medians of runs taken in turn (A B A B …), so that whatever else the machine does meets all sides alike. */

/** What a run found: a number in the measurement's unit and, where requests were timed one by one, how long they took. */
export interface Sample {
  readonly value: number
  readonly latency?: Latency
}

/** Milliseconds. */
export interface Latency {
  readonly p50: number
  readonly p99: number
}

/** One of the things compared. */
export interface Side {
  readonly name: string
  /** Where the sides are the same work at several sizes: how many of what the measurement says there are. */
  readonly at?: number
  run(): Promise<number | Sample> | number
}

export interface Measurement {
  readonly name: string
  readonly unit: string
  /** What the first side is to reach, in words, and whether it does; medians in the order of the sides. */
  readonly target?: { readonly says: string; reached(medians: readonly number[]): boolean }
  readonly sides: readonly Side[]
  /** Rounds counted, after one that is not; as many as the group says unless given here. */
  readonly rounds?: number
  readonly point?: Point
  /** What the sides' `at` counts. */
  readonly of?: string
}

/** Measurements of one `curve` are the same work at other sizes: `at` is how many of `of` there were. */
export interface Point {
  readonly curve: string
  readonly of: string
  readonly at: number
}

export interface Spread {
  readonly side: string
  readonly at?: number
  readonly median: number
  readonly min: number
  readonly max: number
  /** The first side's median divided by this one's; absent where the first side failed. */
  readonly ratio?: number
  /** Medians over the rounds. */
  readonly latency?: Latency
}

export interface Result {
  readonly group: string
  readonly name: string
  readonly unit: string
  readonly spreads: readonly Spread[]
  /** Sides that could not do the work, and what they said. */
  readonly failures: readonly { readonly side: string; readonly why: string }[]
  readonly target?: string
  readonly reached?: boolean
  readonly point?: Point
  readonly of?: string
}

/** Are larger numbers of this unit the better ones? */
export function moreIsBetter(unit: string): boolean {
  return unit.endsWith('/s')
}

/** Runs all sides in turn. A side that fails is left out from then on, and said to have failed. */
export async function measure(group: string, what: Measurement, rounds: number): Promise<Result> {
  const tracks = what.sides.map((side) => new Track(side))
  for (let round = 0; round <= (what.rounds ?? rounds); round++) {
    for (const track of tracks) await track.run(round > 0)
  }
  const [first] = tracks
  const done = tracks.filter(({ failure }) => failure === undefined)
  const medians = tracks.map(({ median }) => median)
  return {
    group,
    name: what.name,
    unit: what.unit,
    spreads: done.map((track) => track.spread(first?.failure === undefined ? first?.median : undefined)),
    failures: tracks.flatMap(({ side, failure }) =>
      failure === undefined ? [] : [{ side: side.name, why: failure }],
    ),
    ...(what.target && { target: what.target.says, reached: what.target.reached(medians) }),
    ...(what.point && { point: what.point }),
    ...(what.of !== undefined && { of: what.of }),
  }
}

/** What the runs of one side gave. */
class Track {
  readonly side: Side
  failure: string | undefined
  readonly #samples: Sample[] = []

  constructor(side: Side) {
    this.side = side
  }

  async run(counts: boolean): Promise<void> {
    if (this.failure !== undefined) return
    try {
      const found = await this.side.run()
      if (counts) this.#samples.push(typeof found === 'number' ? { value: found } : found)
    } catch (error) {
      this.failure = (error as Error).message
    }
  }

  /** NaN where the side failed: it compares as false with everything. */
  get median(): number {
    return this.failure === undefined ? median(this.#values) : Number.NaN
  }

  spread(first: number | undefined): Spread {
    const values = this.#values
    const timed = this.#samples.flatMap(({ latency }) => latency ?? [])
    return {
      side: this.side.name,
      ...(this.side.at !== undefined && { at: this.side.at }),
      median: median(values),
      min: Math.min(...values),
      max: Math.max(...values),
      ...(first !== undefined && { ratio: first / median(values) }),
      ...(timed.length > 0 && {
        latency: { p50: median(timed.map(({ p50 }) => p50)), p99: median(timed.map(({ p99 }) => p99)) },
      }),
    }
  }

  get #values(): number[] {
    return this.#samples.map(({ value }) => value)
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] as number
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] as number)) / 2
}

export function print(result: Result): string {
  const verdict = result.target
    ? `  target ${result.target}: ${result.reached ? 'reached' : 'NOT reached'}`
    : ''
  const lines = result.spreads.map(({ side, median, min, max, ratio, latency }, at) => {
    const compared = at === 0 || ratio === undefined ? '' : `  first/this ${ratio.toFixed(2)}`
    const timed = latency ? `  p50 ${shown(latency.p50)} ms, p99 ${shown(latency.p99)} ms` : ''
    return `  ${side.padEnd(28)} ${shown(median).padStart(10)} ${result.unit}  (${shown(min)}–${shown(max)})${compared}${timed}`
  })
  const failed = result.failures.map(({ side, why }) => `  ${side.padEnd(28)} failed: ${why}`)
  return [`${result.group}: ${result.name}${verdict}`, ...lines, ...failed].join('\n')
}

/** Three digits that count. */
export function shown(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3)
}
