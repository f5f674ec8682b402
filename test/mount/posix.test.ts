import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { type TestServer, testServer } from '../support/server.js'
import { BEHAVIOURS } from './behaviours/index.js'
import { LACKING, MOUNT_KINDS, type MountKind, placeOf, runTimed, SpaceMount } from './support/mounting.js'
import { agrees, makeSpace } from './support/space-view.js'

/** Each behaviour on a plain local folder first, which is the oracle, then on mounts of every kind. */

const BEHAVIOUR_PROGRAM = fileURLToPath(new URL('./behaviours/index.js', import.meta.url))
const CALLS_SOURCE = fileURLToPath(new URL('../../../test/mount/behaviours/calls.c', import.meta.url))
const SECONDS = 90

const mountTest = LACKING.length === 0 ? test : test.skip

let server: TestServer
/** The compiled calls.c. */
let calls = ''
const own = mkdtempSync('/tmp/novem-posix-')
let oracle: ReadonlyMap<string, unknown>
const seen = new Map<MountKind, ReadonlyMap<string, unknown>>()
const mounts: SpaceMount[] = []

/** What the behaviours show in a folder, by name. A program of its own runs them: this one serves the mounts. */
async function observe(folder: string): Promise<ReadonlyMap<string, unknown>> {
  const { said } = await runTimed(process.execPath, [BEHAVIOUR_PROGRAM, folder], {
    seconds: SECONDS,
    env: { NOVEM_CALLS: calls },
  })
  const lines = said.split('\n').filter((line) => line.startsWith('{'))
  return new Map(lines.map((line) => JSON.parse(line)).map(({ name, seen }) => [name, seen]))
}

test.before(async (t) => {
  if (LACKING.length > 0) return
  t.timeout(4 * SECONDS * 1000)
  server = await testServer()
  calls = join(own, 'calls')
  const { said } = await runTimed('cc', ['-O1', '-w', '-o', calls, CALLS_SOURCE])
  if (said !== '') throw new Error(said)
  mkdirSync(join(own, 'oracle'))
  oracle = await observe(join(own, 'oracle'))
  for (const kind of MOUNT_KINDS) {
    await makeSpace({ ...server, space: kind })
    const mount = await SpaceMount.start(placeOf(server, kind, kind), { kind })
    mounts.push(mount)
    seen.set(kind, await observe(mount.dir))
  }
})

test.after.always(async () => {
  for (const mount of mounts) mount.abandon()
  rmSync(own, { recursive: true, force: true })
  await server?.stop()
})

test('there is an oracle', (t) => {
  t.true(LACKING.length > 0 || oracle.size === BEHAVIOURS.length)
})

for (const kind of MOUNT_KINDS) {
  for (const { name, differs } of BEHAVIOURS) {
    mountTest(`${kind}: ${name}`, (t) => {
      const behaviour = seen.get(kind)
      t.true(behaviour?.has(name), 'it was run')
      t.deepEqual(behaviour?.get(name), differs ? differs.seen : oracle.get(name))
    })
  }

  mountTest(`${kind}: unmounted, all agrees`, async (t) => {
    const mount = mounts[MOUNT_KINDS.indexOf(kind)]
    await mount?.end()
    await agrees(t, server, kind)
  })
}
