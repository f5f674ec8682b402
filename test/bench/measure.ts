/** Medians of runs taken in turn (A B A B …), so that whatever else the machine does meets all sides alike. */

/** One of the things compared: a run gives one number in the measurement's unit. */
export interface Side {
  readonly name: string
  run(): Promise<number> | number
}

export interface Measurement {
  readonly name: string
  readonly unit: string
  /** What the first side is to reach, in words, and whether it does; medians in the order of the sides. */
  readonly target?: { readonly says: string; reached(medians: readonly number[]): boolean }
  readonly sides: readonly Side[]
  /** Rounds counted, after one that is not; as many as the group says unless given here. */
  readonly rounds?: number
}

export interface Spread {
  readonly side: string
  readonly median: number
  readonly min: number
  readonly max: number
  /** The first side's median divided by this one's. */
  readonly ratio: number
}

export interface Result {
  readonly group: string
  readonly name: string
  readonly unit: string
  readonly spreads: readonly Spread[]
  readonly target?: string
  readonly reached?: boolean
}

export async function measure(group: string, what: Measurement, rounds: number): Promise<Result> {
  const runs = what.sides.map(() => [] as number[])
  for (let round = 0; round <= (what.rounds ?? rounds); round++) {
    for (const [at, side] of what.sides.entries()) {
      const value = await side.run()
      if (round > 0) runs[at]?.push(value)
    }
  }
  const medians = runs.map(median)
  const spreads = what.sides.map(({ name }, at) => ({
    side: name,
    median: medians[at] as number,
    min: Math.min(...(runs[at] as number[])),
    max: Math.max(...(runs[at] as number[])),
    ratio: (medians[0] as number) / (medians[at] as number),
  }))
  const result = { group, name: what.name, unit: what.unit, spreads }
  return what.target ? { ...result, target: what.target.says, reached: what.target.reached(medians) } : result
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
  const lines = result.spreads.map(({ side, median, min, max, ratio }, at) => {
    const compared = at === 0 ? '' : `  first/this ${ratio.toFixed(2)}`
    return `  ${side.padEnd(28)} ${shown(median).padStart(10)} ${result.unit}  (${shown(min)}–${shown(max)})${compared}`
  })
  return [`${result.group}: ${result.name}${verdict}`, ...lines].join('\n')
}

function shown(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3)
}
