import { randomBytes } from 'node:crypto'
import { openSync } from 'node:fs'
import { truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { LentRange } from '../../src/blobs/local/lending.js'
import { Random } from '../support/random.js'
import { failsWith, ownFolder } from './support.js'

/** How a large file is read for a client: on the spot or by a thread. One after the other, since it matters who else reads. */

const MiB = 1024 * 1024
const QUICK = 0
const SLOW = 50

/** A file that is lent by a clock which makes each step take as long as `takes()` says (ms). */
async function ownFile(t: ExecutionContext, size: number) {
  const path = join(await ownFolder(t), 'file')
  const bytes = randomBytes(size)
  await writeFile(path, bytes)
  const lend = (takes: () => number, start = 0, length = size - start) => {
    let clock = 0
    return new LentRange(openSync(path, 'r'), 'blob', start, length, () => (clock += takes()))
  }
  return { path, bytes, lend }
}

async function lengths(lent: LentRange): Promise<number[]> {
  const all: number[] = []
  for await (const piece of lent) all.push(piece.length / MiB)
  return all
}

test.serial('who reads alone and quickly gets two steps at once', async (t) => {
  const { lend } = await ownFile(t, 8 * MiB)
  t.deepEqual(await lengths(lend(() => QUICK)), [1, 2, 2, 2, 1])
  t.deepEqual(await lengths(lend(() => QUICK, 7 * MiB)), [1])
  t.deepEqual(await lengths(lend(() => QUICK, 0, 100)), [100 / MiB])
})

test.serial('what has to be waited for comes step by step, and quickly again once it does not', async (t) => {
  const { lend } = await ownFile(t, 8 * MiB)
  t.deepEqual(await lengths(lend(() => SLOW)), [1, 1, 1, 1, 1, 1, 1, 1])
  let looks = 0
  // Two looks at the clock a step: the third step is slow.
  t.deepEqual(await lengths(lend(() => ([4, 5].includes(looks++) ? SLOW : QUICK))), [1, 2, 2, 1, 2])
})

test.serial('as long as somebody else reads, threads do it', async (t) => {
  const { lend } = await ownFile(t, 4 * MiB)
  const other = lend(() => QUICK)
  t.deepEqual(await lengths(lend(() => QUICK)), [1, 1, 1, 1])
  await other.return()
  t.deepEqual(await lengths(lend(() => QUICK)), [1, 2, 1])
})

test.serial(
  'the bytes are right in every turn of quick, slow, alone and not, and hold until the next',
  async (t) => {
    const { bytes, lend } = await ownFile(t, 9 * MiB + 12_345)
    const random = Random.seeded()
    t.log(`seed ${random.seed}`)
    for (let round = 0; round < 60; round++) {
      const start = random.chance(1 / 2) ? 0 : random.below(bytes.length)
      const length = 1 + random.below(bytes.length - start)
      const lent = lend(() => (random.chance(1 / 3) ? SLOW : QUICK), start, length)
      let other: LentRange | undefined
      let at = start
      for await (const piece of lent) {
        if (random.chance(1 / 4)) {
          await other?.return()
          other = random.chance(1 / 2) ? lend(() => QUICK) : undefined
        }
        await new Promise((resolve) => setImmediate(resolve))
        if (!piece.equals(bytes.subarray(at, at + piece.length))) t.fail(`round ${round}, byte ${at}`)
        at += piece.length
      }
      await other?.return()
      t.is(at, start + length)
    }
  },
)

test.serial('a file that ends too early is CORRUPT, on the spot as by a thread', async (t) => {
  for (const takes of [QUICK, SLOW]) {
    const { path, lend } = await ownFile(t, 8 * MiB)
    const lent = lend(() => takes)
    await lent.next()
    await truncate(path, 100)
    await failsWith(t, 'CORRUPT', /ends at byte/, () => lengths(lent))
    t.deepEqual(await lent.next(), { value: undefined, done: true })
  }
})
