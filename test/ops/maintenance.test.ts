import { setTimeout as delay } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { Lease } from '../../src/accounts/lease.js'
import { silentLog } from '../../src/log.js'
import { Maintenance } from '../../src/maintenance.js'
import type { RedisClient } from '../../src/redis/scripts.js'
import { type TestServer, testServer } from '../support/server.js'

let server: TestServer
test.before(async () => {
  server = await testServer()
})
test.after.always(() => server.stop())

let count = 0
/** Processes that share one lease, each doing a round every few milliseconds. */
async function processes(t: ExecutionContext, lastsMs: number) {
  const redis: RedisClient = await server.redis.connect()
  const name = `test-${++count}`
  return (before: () => Promise<void> = async () => undefined) => {
    const { spaces, blobs, directory } = server
    const seen = { rounds: 0, turns: 0 }
    const allSpaces = async function* () {
      await before()
      yield* directory.allSpaces()
    }
    const maintenance = new Maintenance(
      { spaces, blobs, directory: Object.assign(Object.create(directory), { allSpaces }), log: silentLog },
      {
        intervalMs: 5,
        lease: new Lease(redis, name, lastsMs),
        onTurn: () => seen.turns++,
        onRound: (result) => {
          if (result) seen.rounds++
        },
      },
    )
    t.teardown(() => maintenance.stop())
    return { seen, maintenance }
  }
}

async function until(condition: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 20_000; !condition(); await delay(5)) {
    if (Date.now() > deadline) throw new Error('It did not come about within 20 s.')
  }
}

test('of several processes one does the maintenance, and another goes on when it stops', async (t) => {
  const start = await processes(t, 60_000)
  const [one, other] = [start(), start()]
  one.maintenance.start()
  await until(() => one.seen.rounds >= 1)
  other.maintenance.start()
  await until(() => one.seen.rounds >= 4 && other.seen.turns >= 4)
  t.is(other.seen.rounds, 0)
  await one.maintenance.stop()
  await until(() => other.seen.rounds >= 1)
})

test('a holder that has died is followed when its lease has run out', async (t) => {
  const redis = await server.redis.connect()
  const dead = new Lease(redis, 'dead', 300)
  t.is(await dead.hold(), 1)
  const heir = new Lease(redis, 'dead', 60_000)
  t.is(await heir.hold(), undefined)
  let number: number | undefined
  while (number === undefined) number = await heir.hold()
  t.is(number, 2)
  t.is(await dead.hold(), undefined)
  await dead.release()
  t.is(await heir.hold(), 2, 'what is another’s is not released')
})

test('whoever has lost the lease in the middle of a round ends it', async (t) => {
  const redis = await server.redis.connect()
  const held = new Lease(redis, 'lost', 30)
  const done = await held.during(async (lost) => {
    // As if this process had stood still for long.
    await redis.hset('{acct}:lease:lost', 'holder', 'another', 'ends', Date.now() + 60_000)
    await until(() => lost.aborted)
    return 'ended'
  })
  t.deepEqual(done, { result: 'ended' })
  t.is(await held.during(async () => 'again'), undefined)
})

test('a round that is cut short claims and deletes nothing more', async (t) => {
  const { spaces, blobs, directory } = server
  const maintenance = new Maintenance({ spaces, blobs, directory, log: silentLog }, { freedGraceMs: 0 })
  await server.fetch('/v1/code/spaces/cut', { method: 'PUT' })
  const path = '/v1/code/spaces/cut/content/a'
  await server.fetch(path, { method: 'POST', body: 'x' })
  await server.fetch(path, { method: 'DELETE' })
  t.like(await maintenance.round(AbortSignal.abort()), { freedDeleted: 0, failed: 0 })
  while ((await maintenance.round()).freedDeleted === 0) await delay(1)
  t.pass()
})
