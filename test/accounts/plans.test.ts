import test from 'ava'
import { PLANS, parsePlanOverrides, planTable } from '../../src/accounts/plans.js'
import { SpaceError } from '../../src/space/errors.js'

test('the table is the seed’s', (t) => {
  t.deepEqual(
    Object.values(PLANS).map(({ name, spaces }) => [name, spaces]),
    [
      ['free', 1],
      ['basic', 5],
      ['premium', 20],
      ['enterprise', 20],
    ],
  )
  for (const plan of Object.values(PLANS)) {
    t.like(plan, { fileBytes: 104_857_600, spaceBytes: 5_368_709_120, entries: 1_000_000 })
  }
})

test('overrides change what they name and nothing else', (t) => {
  const table = planTable(parsePlanOverrides('{"free":{"spaces":2,"spaceBytes":1000}}'))
  t.deepEqual(table.free, { ...PLANS.free, spaces: 2, spaceBytes: 1000 })
  t.deepEqual(table.basic, PLANS.basic)
})

for (const [json, named] of [
  ['{', /not valid JSON: \{/],
  ['[]', /JSON object of plans/],
  ['null', /JSON object of plans/],
  ['{"gold":{}}', /'gold' is not a plan/],
  ['{"free":3}', /limits of plan 'free' must be an object/],
  ['{"free":{"files":3}}', /'files' is not a limit/],
  ['{"free":{"spaces":-1}}', /'spaces' of plan 'free' .* not -1/],
  ['{"free":{"spaces":"2"}}', /not "2"/],
  ['{"free":{"spaces":1.5}}', /not 1.5/],
] as const) {
  test(`${json} is refused`, (t) => {
    t.throws(() => parsePlanOverrides(json), { instanceOf: SpaceError, code: 'BAD_REQUEST', message: named })
  })
}
