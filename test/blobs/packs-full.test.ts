import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import test, { type ExecutionContext } from 'ava'
import { SpaceError } from '../../src/space/errors.js'
import { keep, listed, namesIn, openStore, packNames, read } from './packs-support.js'
import { all, FUTURE, failsWith, ownFolder, sorted } from './support.js'

/** Disks that are full. */

/** As on a disk that holds everybody up: writes go to the thread pool, several at a time. */
function slowly(t: ExecutionContext): void {
  const now = performance.now.bind(performance)
  let calls = 0
  performance.now = () => now() + 30 * calls++
  t.teardown(() => {
    performance.now = now
  })
}

for (const [durability, speed] of [
  ['os', 'quick'],
  ['full', 'quick'],
  ['os', 'slow'],
  ['full', 'slow'],
] as const)
  test.serial(
    `a full disk is DISK_FULL, leaves nothing, and does not outlast the cause (${durability}, ${speed})`,
    async (t) => {
      if (speed === 'slow') slowly(t)
      if (process.getuid?.() !== 0) {
        t.log('skipped: mounting a small tmpfs needs root')
        t.pass()
        return
      }
      const folder = await ownFolder(t)
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', folder])
      t.teardown(() => execFileSync('umount', ['-l', folder]))
      const store = await openStore(t, folder, { durability })
      const kept = new Map<string, string>()
      let refused = 0
      const fill = async () => {
        for (let full = 0; full < 3; ) {
          const bodies = Array.from({ length: 8 }, () => randomBytes(20_000).toString('hex'))
          const puts = await Promise.allSettled(bodies.map((body) => keep(store, body)))
          for (const [n, put] of puts.entries()) {
            if (put.status === 'fulfilled') kept.set(put.value, bodies[n] as string)
            else {
              full++
              refused++
              t.true(put.reason instanceof SpaceError && put.reason.code === 'DISK_FULL', String(put.reason))
            }
          }
        }
      }
      await fill()
      t.true(kept.size > 30 && refused > 0)
      const check = async () => {
        t.deepEqual(await all(store.pending(FUTURE)), [])
        t.deepEqual(await listed(store), sorted([...kept.keys()]))
        for (const [id, body] of kept) t.is(await read(store, id), body)
      }
      await check()
      const tiny: string[] = []
      await failsWith(t, 'DISK_FULL', /ENOSPC/, async () => {
        for (;;) tiny.push(await keep(store, 'x'))
      })
      for (const id of tiny) kept.set(id, 'x')
      await check()
      await store.close()
      const next = await openStore(t, folder, { durability })
      t.deepEqual(await listed(next), sorted([...kept.keys()]))
      for (const [id, body] of kept) t.is(await read(next, id), body)
      t.deepEqual(await namesIn(folder, 'pending'), [])
      t.true((await packNames(folder)).length <= 2)
    },
  )
