import { randomBytes } from 'node:crypto'
import test, { type ExecutionContext } from 'ava'
import type { Cluster } from 'ioredis'
import { Directory } from '../../src/accounts/directory.js'
import { Scripts, scriptsFolder } from '../../src/redis/scripts.js'
import { slotOf } from '../../src/redis/slots.js'
import { fsck } from '../../src/space/fsck.js'
import { Spaces } from '../../src/space/spaces.js'
import { Watcher } from '../../src/space/watcher.js'
import { NamedBlobs } from '../support/named-blobs.js'
import { type ClusterNode, type TestCluster, testCluster } from '../support/redis-cluster.js'
import { at, LIMITS, TestSpace } from '../support/space.js'

/** What only a cluster can do to us: keys on several nodes, and slots that move. Fail-over: failover.test.ts. */

const LONG_MS = 30_000

let cluster: TestCluster
let redis: Cluster
let spaces: Spaces
test.before(async () => {
  cluster = await testCluster()
  redis = await cluster.connect()
  spaces = new Spaces(redis)
})
test.after.always(async () => {
  await spaces.close()
  await cluster.stop()
})

async function newSpace(): Promise<TestSpace> {
  const op = { space: randomBytes(6).toString('hex'), caller: { accountId: 'a1' }, limits: LIMITS }
  await spaces.createSpace(op.space, op.caller.accountId)
  return new TestSpace(spaces, op)
}

/** A slot on its way from one master to another. */
class Migration {
  readonly #slot: number

  constructor(
    key: string,
    readonly from: ClusterNode,
    readonly to: ClusterNode,
  ) {
    this.#slot = slotOf(key)
  }

  static async begin(key: string): Promise<Migration> {
    const from = await cluster.masterOf(key)
    const to = cluster.nodes.slice(0, 3).find(({ id }) => id !== from.id) as ClusterNode
    const migration = new Migration(key, from, to)
    await to.admin.cluster('SETSLOT', migration.#slot, 'IMPORTING', from.id)
    await from.admin.cluster('SETSLOT', migration.#slot, 'MIGRATING', to.id)
    return migration
  }

  keys(): Promise<string[]> {
    return this.from.admin.cluster('GETKEYSINSLOT', this.#slot, 1000) as Promise<string[]>
  }

  async move(keys: readonly string[]): Promise<void> {
    for (const key of keys) await this.from.admin.migrate('127.0.0.1', this.to.port, key, 0, 5000)
  }

  async end(): Promise<void> {
    for (let keys = await this.keys(); keys.length > 0; keys = await this.keys()) await this.move(keys)
    for (const node of [this.to, this.from])
      await node.admin.cluster('SETSLOT', this.#slot, 'NODE', this.to.id)
  }
}

/** Every key of a space with its contents, wherever it is. */
async function contents(space: TestSpace): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (const { admin } of cluster.nodes.slice(0, 3)) {
    for (const key of (await admin.cluster(
      'GETKEYSINSLOT',
      slotOf(`{${space.op.space}}`),
      1000,
    )) as string[]) {
      const dump = await admin.call('DEBUG', 'DIGEST-VALUE', key)
      found.set(key, String(dump))
    }
  }
  return new Map([...found].sort())
}

async function isClean(t: ExecutionContext, space: TestSpace, blobs: NamedBlobs): Promise<void> {
  const { problems } = await fsck({ redis, blobs }, { spaces: [space.op.space] })
  t.deepEqual(problems, [])
  t.deepEqual([...(await space.replay())], [...(await space.listing())])
}

test('spaces and accounts live on all masters, each in one slot', async (t) => {
  const masters = new Set<number>()
  for (let n = 0; n < 12; n++) {
    const space = await newSpace()
    await space.write('a/b/c')
    await space.move('a/b', 'd')
    await space.remove('a', true)
    masters.add((await cluster.masterOf(`{${space.op.space}}`)).port)
    t.deepEqual(await space.names(), ['d'])
  }
  t.is(masters.size, 3)
  const directory = new Directory(redis)
  const account = await directory.createAccount({ name: 'ann', plan: 'premium' })
  t.truthy((await directory.reserveSpace(account.id, 'files')).id)
})

// The record first, then last: the script is sent to one side or to the other.
// Serial: two nodes that give keys to each other at the same time wait for each other.
for (const recordIs of ['first', 'last'] as const)
  test.serial(
    `while a slot moves, its record ${recordIs}, a script is refused before it changed anything`,
    async (t) => {
      const folder = scriptsFolder(import.meta.url.replace('/test/redis/', '/src/redis/'), 'space')
      const scripts = new Scripts(redis, folder)
      const space = await newSpace()
      for (const path of ['a/b', 'c', 'd/e/f']) await space.write(path)
      const record = `{${space.op.space}}:s`
      const migration = await Migration.begin(record)
      const others = (await migration.keys()).filter((key) => key !== record)
      t.true(others.length >= 5)
      const before = await contents(space)
      for (const key of recordIs === 'first' ? [record, ...others] : [...others, record]) {
        await t.throwsAsync(
          () => scripts.run('mkdir', [record], ['a1', '-', 'aa'.repeat(8), 0, '', 'x', 'y']),
          {
            message: /non local key|TRYAGAIN|redirections/,
          },
        )
        t.deepEqual(await contents(space), before)
        await migration.move([key])
      }
      await migration.end()
      t.deepEqual(await contents(space), before)
      await space.mkdir('after')
      t.true((await space.names()).includes('c'))
    },
  )

test.serial('slots move under load, and nothing is lost, doubled or refused', async (t) => {
  const space = await newSpace()
  const blobs = new NamedBlobs()
  let stopped = false
  const worker = async (name: string) => {
    const names: string[] = []
    for (let n = 0; !stopped; n++) {
      await spaces.write(space.op, at(`${name}/${n}`), blobs.put(5), { contentType: 'text/plain' })
      names.push(String(n))
    }
    return names
  }
  const working = Promise.all(['a', 'b', 'c', 'd'].map((name) => worker(name)))
  for (let round = 0; round < 3; round++) {
    const seq = (await space.journal()).length
    while ((await space.journal(seq)).length < 50) await new Promise(setImmediate)
    await (await Migration.begin(`{${space.op.space}}`)).end()
  }
  stopped = true
  const written = await working
  for (const [index, names] of written.entries())
    t.deepEqual((await space.names('abcd'[index])).sort(), names.sort())
  const total = written.flat().length
  t.is((await space.journal()).length, total + 4)
  await isClean(t, space, blobs)
})

test.serial('who waits for changes hears of them, also when the slot has moved', async (t) => {
  const space = await newSpace()
  const watcher = new Watcher(await cluster.connect('watcher'))
  t.teardown(() => watcher.close())
  const watch = await watcher.watch(space.op.space, 'a1')
  const hears = async (what: string) => {
    const woken = watch.changed(LONG_MS)
    await space.write(what)
    t.true(await woken, what)
    // What woke it may have been the subscription itself.
    while (await watch.changed(0));
  }
  await hears('first')
  for (let round = 0; round < 2; round++) {
    await (await Migration.begin(`{${space.op.space}}`)).end()
    // It is woken when it hears again: changes may have been missed meanwhile.
    t.true(await watch.changed(LONG_MS))
    await hears(`moved ${round}`)
  }
})
