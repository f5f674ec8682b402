import { mkdir, rm, writeFile } from 'node:fs/promises'
import { moreIsBetter, type Result, shown } from '../measure.js'
import { LIMIT } from '../peers/least.js'
import { type Picture, picturesOf } from './pictures.js'
import { BENCH, type GroupResults, kept } from './results.js'

/** Writes `report.md` and `charts/` of what was kept of the groups. */
export async function writeReport(groups: readonly string[]): Promise<void> {
  const all = await kept(groups)
  const charts = new URL('charts/', BENCH)
  await rm(charts, { recursive: true, force: true })
  await mkdir(charts, { recursive: true })
  const sections: string[] = []
  for (const group of all) {
    const pictures = picturesOf(group)
    for (const { name, svg } of pictures) await writeFile(new URL(`${name}.svg`, charts), svg)
    sections.push(section(group, pictures))
  }
  await writeFile(new URL('report.md', BENCH), `${[...heading(all), ...sections].join('\n\n')}\n`)
}

function heading(all: readonly GroupResults[]): string[] {
  return [
    '# Measured beside its peers',
    'Written by `npm run bench -- --report`; nothing in it is edited by hand. All sides of a line were run in turn (A B A B …), after a ' +
      'round that does not count: medians, in brackets the lowest and the highest. Load generators run on the same machine as the servers. ' +
      'Absolute numbers belong to that machine; only ratios can be compared.',
    `A side that begins with ${LIMIT} is no peer, and stores nothing anybody could find again: it is the plainest program on ` +
      'this runtime that takes the same requests, with a file of its own for each body. Ours is ahead of it only where it does better than that, such as ' +
      'by one file for many small bodies.',
    '## Where we do not reach what we want, or are behind',
    losses(all),
  ]
}

/** What there is to admit, a line each. */
export function losses(all: readonly GroupResults[]): string {
  const lines = all.flatMap(({ group, results }) => results.flatMap((result) => loss(group, result)))
  return lines.length === 0 ? 'Nowhere.' : lines.join('\n')
}

function loss(group: string, result: Result): string[] {
  // Its sides are parts of one whole.
  if (group === 'profiles') return []
  const [ours, ...others] = result.spreads
  const failed = result.failures.map(
    ({ side, why }) => `- ${group}: ${result.name}: ${side} failed: ${why.trim().replaceAll('\n', ' ')}`,
  )
  if (!ours) return failed
  const sign = moreIsBetter(result.unit) ? 1 : -1
  const better = others.filter(({ side, median }) => {
    return (
      !side.startsWith('ours') &&
      !side.startsWith(LIMIT) &&
      result.of === undefined &&
      sign * median > sign * ours.median
    )
  })
  if (result.reached !== false && better.length === 0) return failed
  const aim = result.reached === false ? ` (aim: ${result.target})` : ''
  const beside = better.map(({ side, median }) => `${side} ${shown(median)}`).join(', ')
  const behind = beside === '' ? '' : `; ahead of us: ${beside}`
  return [...failed, `- ${group}: ${result.name}: ${shown(ours.median)} ${result.unit}${aim}${behind}`]
}

function section(
  { group, machine, quick, results, remarks }: GroupResults,
  pictures: readonly Picture[],
): string {
  const { when, processors, memoryGb, system, node, redis, load } = machine
  const described = `${when} UTC, ${processors}, ${memoryGb} GB, ${system}, Node ${node}, Redis ${redis}; load before: ${load}.`
  return [
    `## ${group}`,
    quick ? `${described} A quick run: sizes and times are smaller.` : described,
    ...remarks,
    ...pictures.map(({ name, title }) => `![${title}](charts/${name}.svg)`),
    table(results),
  ].join('\n\n')
}

function table(results: readonly Result[]): string {
  const rows = results.flatMap(({ name, unit, spreads, target, reached }) =>
    spreads.map(({ side, median, min, max, ratio, latency }, at) => [
      at === 0 ? name : '',
      side,
      `${shown(median)} ${unit} (${shown(min)}–${shown(max)})`,
      at === 0 || typeof ratio !== 'number' ? '' : ratio.toFixed(2),
      latency ? `${shown(latency.p50)} / ${shown(latency.p99)}` : '',
      at === 0 && target !== undefined ? `${target}: ${reached ? 'reached' : '**not reached**'}` : '',
    ]),
  )
  const head = ['work', 'who', 'median (lowest–highest)', 'first ÷ this', 'p50 / p99 ms', 'aim']
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}
