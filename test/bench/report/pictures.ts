import { moreIsBetter, type Result, type Spread } from '../measure.js'
import { bars, curves, type Series } from './charts.js'
import type { GroupResults } from './results.js'

export interface Picture {
  /** Of the file, without `.svg`. */
  readonly name: string
  readonly title: string
  readonly svg: string
}

/** All that can be drawn of a group's results. */
export function picturesOf({ group, results }: GroupResults): Picture[] {
  // These are drawn as flame graphs.
  if (group === 'profiles') return []
  const plain = results.filter(({ point, of, spreads }) => !point && of === undefined && spreads.length > 1)
  const rates = plain.filter(({ unit }) => unit === '/s')
  const timed = rates.filter(({ spreads }) => spreads.some(({ latency }) => latency))
  return [
    ...compared(
      `${group}-rates`,
      `${group}: operations a second (more is better)`,
      rates,
      ({ median }) => median,
    ),
    ...compared(
      `${group}-p50`,
      `${group}: half of the requests took at most … ms`,
      timed,
      ({ latency }) => latency?.p50,
    ),
    ...compared(
      `${group}-p99`,
      `${group}: 99 % of the requests took at most … ms`,
      timed,
      ({ latency }) => latency?.p99,
    ),
    ...relative(group, plain),
    ...byPoint(group, results),
    ...bySize(group, results),
  ]
}

/** One bar a side, one group of bars a measurement. */
function compared(
  name: string,
  title: string,
  results: readonly Result[],
  value: (spread: Spread) => number | undefined,
): Picture[] {
  if (results.length === 0) return []
  const series = sidesOf(results).map(
    (side): Series => ({
      name: side,
      values: results.map(({ spreads }) => {
        const spread = spreads.find((one) => one.side === side)
        return (spread && value(spread)) ?? null
      }),
    }),
  )
  const categories = results.map(({ name }) => name)
  return [{ name, title, svg: bars({ title, unit: '', series }, categories) }]
}

/** Whatever the unit: how many times as fast as ours. */
function relative(group: string, results: readonly Result[]): Picture[] {
  const speeds = results.filter(({ unit }) => unit !== 'MB' && unit !== 'bytes')
  if (speeds.length === 0 || speeds.every(({ unit }) => unit === '/s')) return []
  const title = `${group}: how many times as fast as ours (less than 1: slower than ours)`
  const series = sidesOf(speeds).map(
    (side): Series => ({
      name: side,
      values: speeds.map(({ spreads, unit }) => {
        const ratio = spreads.find((one) => one.side === side)?.ratio
        if (ratio === undefined) return null
        return moreIsBetter(unit) ? 1 / ratio : ratio
      }),
    }),
  )
  const svg = bars(
    { title, unit: '', series, logarithmic: true },
    speeds.map(({ name }) => name),
  )
  return [{ name: `${group}-relative`, title, svg }]
}

/** The same work at several sizes, one measurement a size: a line a side. */
function byPoint(group: string, results: readonly Result[]): Picture[] {
  const curvesOf = grouped(results, ({ point }) => point?.curve)
  return [...curvesOf].map(([curve, points], at) => {
    const [first] = points as [Result]
    const series = sidesOf(points).map(
      (side): Series => ({
        name: side,
        values: points.map(({ spreads }) => spreads.find((one) => one.side === side)?.median ?? null),
      }),
    )
    const sizes = points.map(({ point }) => point?.at ?? 0)
    const chart = { title: curve, unit: first.unit, series, logarithmic: first.unit === 'ms' }
    return { name: `${group}-curve${at + 1}`, title: curve, svg: curves(chart, first.point?.of ?? '', sizes) }
  })
}

/** The same work at several sizes, one side a size: a line a measurement, beside what the smallest size costs. */
function bySize(group: string, results: readonly Result[]): Picture[] {
  const families = grouped(results, ({ of }) => of)
  return [...families].map(([of, members], at) => {
    const sizes = [
      ...new Set(members.flatMap(({ spreads }) => spreads.map((spread) => spread.at ?? 0))),
    ].sort((a, b) => a - b)
    const series = members.map(({ name, spreads }): Series => {
      const cost = (size: number) => spreads.find((spread) => spread.at === size)?.median
      const least = cost(sizes[0] as number)
      return {
        name,
        values: sizes.map((size) => {
          const here = cost(size)
          return here === undefined || least === undefined ? null : here / least
        }),
      }
    })
    const title = `${group}: cost against the number of ${of}, the smallest = 1`
    return { name: `${group}-size${at + 1}`, title, svg: curves({ title, unit: '×', series }, of, sizes) }
  })
}

function sidesOf(results: readonly Result[]): string[] {
  return [...new Set(results.flatMap(({ spreads }) => spreads.map(({ side }) => side)))]
}

/** By what they have in common; those without it are left out. */
function grouped(
  results: readonly Result[],
  by: (result: Result) => string | undefined,
): Map<string, Result[]> {
  const groups = new Map<string, Result[]>()
  for (const result of results) {
    const key = by(result)
    if (key !== undefined) groups.set(key, [...(groups.get(key) ?? []), result])
  }
  return groups
}
