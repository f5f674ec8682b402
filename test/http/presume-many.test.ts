import test from 'ava'
import type { TestUser } from '../support/server.js'
import {
  type Ask,
  BODY,
  CHANGES,
  isAnn,
  makeAs,
  must,
  postAs,
  put,
  putAs,
  SHARES,
  tree,
  type World,
  world,
} from './presume-world.js'

/** The same of many changes at once, which go on in step with each other (`http/in-step.ts`). */

/** Asked for together: all but the first few go on in step with each other. */
const MANY = 24
/** Ways that need nothing to be there, by the name of what each leaves. */
const MAKING = Object.entries({ put: putAs, posted: postAs, made: makeAs })

interface Outcome {
  readonly name: string
  readonly status: number
}

function manyAtOnce(who: TestUser, from: number): Promise<Outcome[]> {
  return Promise.all(
    Array.from({ length: MANY }, async (_, index) => {
      const [name, ask] = MAKING[index % MAKING.length] as [string, Ask]
      const { status } = await ask(who, from + index)
      return { name: `${name}${from + index}`, status: status < 300 ? 200 : status }
    }),
  )
}

const names = async (there: World, space = 's') =>
  new Set((await tree(there, space)).map((row: string) => row.split(' ')[0]))

/** As often as it takes, and in step. */
async function untilManyPresumed(who: TestUser, from: number): Promise<void> {
  for (let n = 0; n < 3; n++) {
    for (const { name, status } of await manyAtOnce(who, from + n * MANY))
      if (status !== 200) throw new Error(`${name}: ${status}`)
  }
}

for (const [what, [change, expected]] of Object.entries(CHANGES)) {
  test.serial(`many changes at once are all answered as they must be once ${what}`, async (t) => {
    const there = await world(t)
    const { ann, bob } = there
    for (const who of [ann, bob]) await untilManyPresumed(who, isAnn(who) ? 0 : 1000)
    await change(there)
    for (const who of [ann, bob]) {
      const right = expected[who.account.name as 'ann' | 'bob']
      const asked = await manyAtOnce(who, isAnn(who) ? 500 : 1500)
      t.deepEqual(
        asked.filter(({ status }) => status !== right),
        [],
        who.account.name,
      )
      if (right === 200 || expected.ann !== 200) continue
      const present = await names(there)
      t.deepEqual(
        asked.filter(({ name }) => present.has(name)),
        [],
      )
    }
  })
}

test.serial(
  'once a share has ended nothing more of who writes all the time is taken, and all that was is there',
  async (t) => {
    const there = await world(t)
    const { ann, bob } = there
    const [written, refused] = [new Set<string>(), new Set<string>()]
    let next = 0
    let hasEnded = false
    const lane = async () => {
      for (let isLast = false; !isLast; ) {
        isLast = hasEnded
        const n = next++
        const { status } = await putAs(bob, n)
        t.true(
          status === 404 || (status === 201 && !isLast),
          `${status}, ${isLast ? 'after' : 'before'} the end`,
        )
        ;(status === 201 ? written : refused).add(`put${n}`)
      }
    }
    for (let round = 0; round < 5; round++) {
      hasEnded = false
      const lanes = Array.from({ length: 16 }, lane)
      for (const until = next + 200; next < until; ) await must(ann.fetch('/dav/s/', { method: 'OPTIONS' }))
      await must(ann.fetch(`${SHARES}/@ann~team`, { method: 'DELETE' }))
      hasEnded = true
      await Promise.all(lanes)
      await put(ann, `${SHARES}/@ann~team~rw`)
    }
    const present = await names(there)
    t.deepEqual(
      [...written].filter((name) => !present.has(name)),
      [],
    )
    t.deepEqual(
      [...refused].filter((name) => present.has(name)),
      [],
    )
  },
)

test.serial(
  'many writes at once all go to the space that has taken another’s name, with their bytes',
  async (t) => {
    const there = await world(t)
    const { ann, directory } = there
    await directory.renameSpace(ann.account.id, 's', 'other')
    await put(ann, '/v1/code/spaces/s')
    await untilManyPresumed(ann, 0)
    const old = await tree(there)
    await directory.renameSpace(ann.account.id, 's', 'old')
    await directory.renameSpace(ann.account.id, 'other', 's')
    const asked = await manyAtOnce(ann, 500)
    t.deepEqual(
      asked.filter(({ status }) => status !== 200),
      [],
    )
    t.deepEqual(await tree(there, 'old'), old)
    t.deepEqual([...(await names(there))].sort(), asked.map(({ name }) => name).sort())
    for (const { name } of asked.filter((one) => !one.name.startsWith('made')))
      t.is(await (await ann.fetch(`/dav/s/${name}`)).text(), BODY, name)
  },
)
