import test from 'ava'
import { measure, print } from './measure.js'
import { picturesOf } from './report/pictures.js'
import { losses } from './report/write.js'

/** The benchmark's own arithmetic: what it says of given runs. */

const machine = { when: '', processors: '', memoryGb: 1, system: '', node: '', redis: '', load: 0 }
const sequence = (...values: readonly number[]) => {
  let next = 0
  return () => values[next++ % values.length] as number
}

test('sides take turns, the first round does not count, and medians are compared', async (t) => {
  const order: string[] = []
  const side = (name: string, run: () => number) => ({
    name,
    run: () => {
      order.push(name)
      return run()
    },
  })
  const sides = [side('ours', sequence(999, 1, 3, 2)), side('theirs', sequence(999, 4, 4, 4))]
  const result = await measure('g', { name: 'work', unit: '/s', sides }, 3)
  t.deepEqual(order, ['ours', 'theirs', 'ours', 'theirs', 'ours', 'theirs', 'ours', 'theirs'])
  t.deepEqual(result.spreads, [
    { side: 'ours', median: 2, min: 1, max: 3, ratio: 1 },
    { side: 'theirs', median: 4, min: 4, max: 4, ratio: 0.5 },
  ])
})

test('latencies are medians of their own', async (t) => {
  const samples = [9, 1, 2, 3].map((p50) => ({ value: 5, latency: { p50, p99: 10 * p50 } }))
  let next = 0
  const run = async () => samples[next++ % samples.length] as (typeof samples)[0]
  const { spreads } = await measure('g', { name: 'work', unit: '/s', sides: [{ name: 'ours', run }] }, 3)
  t.deepEqual(spreads[0]?.latency, { p50: 2, p99: 20 })
})

test('a side that fails is left out and said to have failed; nothing it was to reach counts as reached', async (t) => {
  const ours = {
    name: 'ours',
    run: () => {
      throw new Error('no such mount')
    },
  }
  const target = { says: '≤ theirs', reached: ([a = 0, b = 0]: readonly number[]) => a <= b }
  const sides = [ours, { name: 'theirs', run: () => 7 }]
  const result = await measure('g', { name: 'work', unit: 'ms', sides, target }, 2)
  t.deepEqual(result.failures, [{ side: 'ours', why: 'no such mount' }])
  t.deepEqual(result.spreads, [{ side: 'theirs', median: 7, min: 7, max: 7 }])
  t.false(result.reached)
  t.regex(print(result), /NOT reached[\s\S]*theirs[\s\S]*ours +failed: no such mount/)
})

test('the report says where we are behind: more is better of rates, less of times', async (t) => {
  const of = (name: string, unit: string, ours: number, theirs: number) =>
    measure(
      'g',
      {
        name,
        unit,
        sides: [
          { name: 'ours', run: () => ours },
          { name: 'theirs', run: () => theirs },
        ],
      },
      1,
    )
  const results = [
    await of('slow rate', '/s', 1, 2),
    await of('quick rate', '/s', 2, 1),
    await of('long time', 'ms', 2, 1),
    await of('short time', 'ms', 1, 2),
  ]
  const said = losses([{ group: 'g', machine, quick: false, results, remarks: [] }])
  t.is(
    said,
    '- g: slow rate: 1.00 /s; ahead of us: theirs 2.00\n- g: long time: 2.00 ms; ahead of us: theirs 1.00',
  )
})

test('every kind of measurement has its picture', async (t) => {
  const sides = [
    { name: 'ours', run: async () => ({ value: 4, latency: { p50: 1, p99: 2 } }) },
    { name: 'theirs', run: () => 2 },
  ]
  const sized = [1000, 100_000].map((at) => ({ name: `${at} entries`, at, run: () => at }))
  const results = [
    await measure('g', { name: 'rate', unit: '/s', sides }, 1),
    await measure('g', { name: 'time', unit: 'ms', sides }, 1),
    await measure(
      'g',
      { name: 'at 10', unit: 'ms', sides, point: { curve: 'moves', of: 'entries', at: 10 } },
      1,
    ),
    await measure('g', { name: 'cost', unit: 'µs', sides: sized, of: 'entries' }, 1),
  ]
  const pictures = picturesOf({ group: 'g', machine, quick: false, results, remarks: [] })
  t.deepEqual(
    pictures.map(({ name }) => name),
    ['g-rates', 'g-p50', 'g-p99', 'g-relative', 'g-curve1', 'g-size1'],
  )
  for (const { svg } of pictures) t.regex(svg, /^<svg [\s\S]*<\/svg>\s*$/)
})
