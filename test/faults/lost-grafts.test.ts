import test from 'ava'
import { connectRedis } from '../../src/redis/connect.js'
import { Scripts, scriptsFolder } from '../../src/redis/scripts.js'
import { fsck } from '../../src/space/fsck.js'
import { Spaces } from '../../src/space/spaces.js'
import { Load } from '../support/load.js'
import { RedisProxy } from '../support/proxy.js'
import { type TestRedis, testRedis } from '../support/redis.js'
import { at, type TestSpace, TestTree } from '../support/space.js'

/** What comes from elsewhere comes once, whichever of its steps lost its answer or arrived late. */

let server: TestRedis
let direct: TestTree
let scripts: Scripts
test.before(async () => {
  server = await testRedis()
  direct = await TestTree.start(server)
  const folder = scriptsFolder(import.meta.url.replace('/test/faults/', '/src/space/'), 'space')
  scripts = new Scripts(await server.connect(), folder)
})
test.after.always(() => direct.stop())

const PATHS = Array.from({ length: 600 }, (_, i) => (i % 40 === 0 ? `F${i}/` : `F${i - (i % 40)}/x${i}`))

async function shape(space: TestSpace): Promise<unknown> {
  const rows = await space.journal()
  const { bytes, entries, mark } = await space.spaces.info(space.op)
  return [rows.map(({ seq, change, path, size }) => [seq, change, path, size]), bytes, entries, mark.seq]
}

for (const fault of ['loseReply', 'holdRequest'] as const) {
  for (const [script, skip] of [
    ['graft_step', 0],
    ['graft_step', 1],
    ['graft_step', 3],
    ['copy', 1],
  ] as const) {
    test(`${fault} of ${script}, number ${skip + 1}`, async (t) => {
      const prepare = async (space: TestSpace) => {
        await space.write('to/old', 3)
        return new Load(space.op, PATHS)
      }
      const control = await direct.space()
      const request = { overwrite: true }
      await control.spaces.graft(control.op, at('to'), await prepare(control), request)
      const space = await direct.space()
      const load = await prepare(space)
      const proxy = await RedisProxy.start(server.socket)
      const client = await connectRedis(proxy.socket, { name: 'proxied' })
      const spaces = new Spaces(client)
      t.teardown(async () => {
        await spaces.close()
        client.disconnect()
        await proxy.stop()
      })
      const made = proxy[fault](scripts.source(script), skip)
      const { entry, replaced } = await spaces.graft(space.op, at('to'), load, request)
      await made.happened
      t.true(replaced)
      t.like(entry, { path: 'to', entries: 600 })
      if (fault === 'holdRequest') await made.release()
      await spaces.reaped()
      t.deepEqual(await shape(space), await shape(control))
      t.deepEqual(await space.replay(), await space.listing())
      await spaces.abandonCopies(space.op.space, Date.now() + 1000)
      await spaces.reaped()
      t.deepEqual(await space.replay(), await space.listing())
      t.is((await space.spaces.freed(space.op.space, Date.now() + 1000, 1000)).length, 1)
      const redis = await server.connect()
      t.deepEqual((await fsck({ redis, blobs: load.blobs }, { spaces: [space.op.space] })).problems, [])
    })
  }
}
