import { randomBytes } from 'node:crypto'
import test, { type ExecutionContext } from 'ava'
import { retrying } from '../../src/redis/retry.js'
import { type RedisClient, Scripts, scriptsFolder } from '../../src/redis/scripts.js'
import { Spaces } from '../../src/space/spaces.js'
import { Watcher } from '../../src/space/watcher.js'
import { type TestCluster, testCluster } from '../support/redis-cluster.js'
import { type TestSentinel, testSentinel } from '../support/redis-sentinel.js'
import { at, blob, LIMITS, TestSpace } from '../support/space.js'

/** Masters that are killed or freeze and are replaced, replicas that are away. Writes wait for all replicas. */

const LONG_MS = 30_000
const ASKING = 12

let cluster: TestCluster
let sentinel: TestSentinel
test.before(async () => {
  ;[cluster, sentinel] = await Promise.all([testCluster(), testSentinel()])
})
test.after.always(() => Promise.all([cluster?.stop(), sentinel?.stop()]))

async function spaceOn(t: ExecutionContext, client: RedisClient): Promise<TestSpace> {
  const spaces = new Spaces(client)
  t.teardown(() => spaces.close())
  const op = { space: randomBytes(6).toString('hex'), caller: { accountId: 'a1' }, limits: LIMITS }
  await spaces.createSpace(op.space, op.caller.accountId)
  return new TestSpace(spaces, op)
}

/** Writes one file after the other, and keeps the names of those that were acknowledged. */
class Writer {
  readonly names: string[] = []
  readonly #ended: Promise<void>
  #stopped = false

  constructor(readonly space: TestSpace) {
    this.#ended = this.#work()
  }

  async reached(count: number): Promise<void> {
    while (this.names.length < count) await new Promise((resolve) => setTimeout(resolve, 10))
  }

  end(): Promise<void> {
    this.#stopped = true
    return this.#ended
  }

  async #work(): Promise<void> {
    for (let n = 0; !this.#stopped; n++) {
      const { spaces, op } = this.space
      try {
        await spaces.write(op, at(`file ${n}`), blob(), { contentType: 'text/plain' })
        this.names.push(`file ${n}`)
      } catch (error) {
        if ((error as { code?: string }).code !== 'UNAVAILABLE') throw error
      }
    }
  }
}

/** `replace` does away with the master, and resolves when there is another, and a replica to it. */
async function survives(
  t: ExecutionContext,
  connect: (name: string, durable: boolean) => Promise<RedisClient>,
  replace: (space: string) => Promise<void>,
): Promise<void> {
  t.timeout(120_000)
  const space = await spaceOn(t, await connect('durable', true))
  const watcher = new Watcher(await connect('watcher', false))
  t.teardown(() => watcher.close())
  const watch = await watcher.watch(space.op.space)
  const writer = new Writer(space)
  await writer.reached(100)
  await replace(space.op.space)
  await writer.reached(writer.names.length + 100)
  await writer.end()

  const there = new Set(await space.names())
  t.deepEqual(
    writer.names.filter((name) => !there.has(name)),
    [],
    'what was acknowledged is there',
  )
  t.deepEqual([...(await space.replay())], [...(await space.listing())])
  t.true(await watch.changed(LONG_MS))
  while (await watch.changed(0));
  const woken = watch.changed(LONG_MS)
  await space.write('after')
  t.true(await woken)
}

const pause = () => new Promise((resolve) => setTimeout(resolve, 20))

test.serial('cluster: a master is killed', (t) =>
  survives(
    t,
    (name, durable) => cluster.connect(name, durable ? 1 : 0),
    async (space) => {
      const master = await cluster.masterOf(`{${space}}`)
      await master.server.signal('SIGKILL')
      while ((await cluster.masterOf(`{${space}}`)).port === master.port) await pause()
      await master.server.start()
    },
  ),
)

test.serial('sentinel: the master is killed', (t) =>
  survives(
    t,
    (name, durable) => sentinel.connect(name, durable ? 2 : 0),
    async () => {
      const master = await sentinel.master()
      await master.signal('SIGKILL')
      while ((await sentinel.master()) === master) await pause()
      await master.start()
    },
  ),
)

test.serial('sentinel: the master freezes, and comes back as one who thinks it is master', (t) =>
  survives(
    t,
    (name, durable) => sentinel.connect(name, durable ? 2 : 0),
    async () => {
      const master = await sentinel.master()
      await master.signal('SIGSTOP')
      while ((await sentinel.master()) === master) await pause()
      await master.signal('SIGCONT')
    },
  ),
)

test.serial(
  'sentinel: clients that are just asking for the master when they are told of another one',
  async (t) => {
    t.timeout(120_000)
    const slow = await testSentinel({ lateMs: () => 100 + Math.random() * 400 })
    t.teardown(() => slow.stop())
    const clients = await Promise.all(
      Array.from({ length: ASKING }, (_, index) => slow.connect(`asking ${index}`)),
    )
    const master = await slow.master()
    await master.signal('SIGKILL')
    while ((await slow.master()) === master) await pause()
    const answers = clients.map((client) => retrying(() => client.get('any'), { deadlineMs: LONG_MS }))
    t.deepEqual(await Promise.all(answers), Array(ASKING).fill(null))
  },
)

test.serial(
  'a change that too few replicas have is not acknowledged, and found again when they are back',
  async (t) => {
    const client = await cluster.connect('durable', 1)
    const folder = scriptsFolder(import.meta.url.replace('/test/redis/', '/src/redis/'), 'space')
    const scripts = new Scripts(client, folder)
    const space = await spaceOn(t, client)
    const key = `{${space.op.space}}`
    const master = await cluster.masterOf(key)
    const replicas = (await master.admin.cluster('REPLICAS', master.id)) as string[]
    const frozen = cluster.nodes.filter(({ id }) => replicas.some((line) => line.startsWith(id)))
    t.true(frozen.length > 0)
    for (const { server } of frozen) await server.signal('SIGSTOP')
    await t.throwsAsync(() => scripts.run('fence', [`${key}:s`], ['ab'.repeat(8)]), {
      message: /^NOREPLICAS 0 of 1 replicas/,
    })
    const writing = space.mkdir('folder')
    for (const { server } of frozen) await server.signal('SIGCONT')
    await writing
    t.is((await space.journal()).length, 1)
  },
)
