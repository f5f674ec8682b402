import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { tempFolder } from '../support/folder.js'
import { Random } from '../support/random.js'
import { type TestServer, testServer } from '../support/server.js'
import { WireProxy } from '../support/wire-proxy.js'
import { LACKING, MOUNT_KINDS, mountSpace, must, runTimed } from './support/mounting.js'
import { agrees, makeSpace } from './support/space-view.js'

/** Random operations of several processes, each step compared with a local folder; then all of it, three ways. */

const WALK = fileURLToPath(new URL('./random-walk.js', import.meta.url))
const LONG = process.env.NOVEM_TEST_LONG === '1'
const PROCESSES = 3
const STEPS = LONG ? 5000 : 300
/** Of 'late': further away than most changes take that follow each other. */
const LATE_MS = 30

const mountTest = LACKING.length === 0 ? test.serial : test.skip

let server: TestServer
test.before(async () => {
  server = await testServer()
})
test.after.always(() => server.stop())

// 'late': the mount hears of its own changes later than it makes the next ones.
for (const kind of [...MOUNT_KINDS, 'late'] as const) {
  mountTest(`${kind}: random operations do what they do on a local folder`, async (t) => {
    t.timeout(LONG ? 900_000 : 120_000)
    const random = Random.seeded()
    t.log(`seed ${random.seed}`)
    await makeSpace({ ...server, space: kind })
    const local = tempFolder(t)
    const mount =
      kind === 'late'
        ? await mountSpace(t, { ...server, url: await lateUrl(t) }, kind)
        : await mountSpace(t, server, kind, { kind })
    const walks = Array.from({ length: PROCESSES }, async (_, index) => {
      const folder = `process ${index}`
      mkdirSync(join(local, folder))
      await must(t, 'mkdir', [join(mount.dir, folder)])
      const args = [
        WALK,
        join(local, folder),
        join(mount.dir, folder),
        String(random.below(1e9)),
        String(STEPS),
      ]
      return runTimed(process.execPath, args, { seconds: LONG ? 800 : 90 })
    })
    for (const { code, said } of await Promise.all(walks)) t.is(code, 0, said)
    await must(t, 'diff', ['-r', local, mount.dir])
    await mount.end()
    await agrees(t, server, kind, local)
    t.deepEqual(server.errors, [])
  })
}

/** Of a way to the server on which the journal comes later than answers. */
async function lateUrl(t: ExecutionContext): Promise<string> {
  const proxy = await WireProxy.start(Number(new URL(server.url).port))
  t.teardown(() => proxy.stop())
  proxy.delay(() => LATE_MS, 'text/event-stream')
  return proxy.url
}
