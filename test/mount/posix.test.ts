import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { type TestServer, testServer } from '../support/server.js'
import { WireProxy } from '../support/wire-proxy.js'
import { BEHAVIOURS } from './behaviours/index.js'
import { LACKING, MOUNT_KINDS, placeOf, runTimed, SpaceMount } from './support/mounting.js'
import { agrees, makeSpace } from './support/space-view.js'

/** Each behaviour on a plain local folder first, which is the oracle, then on mounts of every kind. */

const BEHAVIOUR_PROGRAM = fileURLToPath(new URL('./behaviours/index.js', import.meta.url))
const CALLS_SOURCE = fileURLToPath(new URL('../../../test/mount/behaviours/calls.c', import.meta.url))
const SECONDS = 90
/** Of 'late': further away than most changes take that follow each other. */
const LATE_MS = 30

/** 'late': the mount hears of its own changes later than it makes the next ones. */
const KINDS = [...MOUNT_KINDS, 'late'] as const

const mountTest = LACKING.length === 0 ? test : test.skip

let server: TestServer
let proxy: WireProxy
/** The compiled calls.c. */
let calls = ''
const own = mkdtempSync('/tmp/novem-posix-')
let oracle: ReadonlyMap<string, unknown>
const seen = new Map<string, ReadonlyMap<string, unknown>>()
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
  proxy = await WireProxy.start(Number(new URL(server.url).port))
  proxy.delay(() => LATE_MS, 'text/event-stream')
  for (const kind of KINDS) {
    await makeSpace({ ...server, space: kind })
    const mount =
      kind === 'late'
        ? await SpaceMount.start(placeOf({ ...server, url: proxy.url }, kind))
        : await SpaceMount.start(placeOf(server, kind, kind), { kind })
    mounts.push(mount)
    seen.set(kind, await observe(mount.dir))
  }
})

test.after.always(async () => {
  for (const mount of mounts) mount.abandon()
  rmSync(own, { recursive: true, force: true })
  await proxy?.stop()
  await server?.stop()
})

test('there is an oracle', (t) => {
  t.true(LACKING.length > 0 || oracle.size === BEHAVIOURS.length)
})

for (const kind of KINDS) {
  for (const { name, differs } of BEHAVIOURS) {
    mountTest(`${kind}: ${name}`, (t) => {
      const behaviour = seen.get(kind)
      t.true(behaviour?.has(name), 'it was run')
      t.deepEqual(behaviour?.get(name), differs ? differs.seen : oracle.get(name))
    })
  }

  mountTest(`${kind}: unmounted, all agrees`, async (t) => {
    const mount = mounts[KINDS.indexOf(kind)]
    await mount?.end()
    await agrees(t, server, kind)
  })
}
