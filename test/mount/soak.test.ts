import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { mountAt } from '../../mount/fuse/mounts.js'
import { tempFolder } from '../support/folder.js'
import { Random } from '../support/random.js'
import { testServer } from '../support/server.js'
import { LACKING, mountSpace, must, runTimed, type SpaceMount } from './support/mounting.js'
import { agrees, makeSpace } from './support/space-view.js'

/** A mount that works for long: its memory, threads and handles stay what they were, and no request is stuck. */

const WALK = fileURLToPath(new URL('./random-walk.js', import.meta.url))
const LONG = process.env.NOVEM_TEST_LONG === '1'
const PROCESSES = 3
/** 200,000 operations in all. */
const [ROUNDS, STEPS] = LONG ? [40, 1670] : [3, 150]
/** What was there after so many rounds is what stays. */
const WARM = LONG ? 8 : 1
/** KiB: memory of a process goes up and down with its garbage. */
const SWAY = 60 * 1024

const mountTest = LACKING.length === 0 ? test.serial : test.skip

interface Footprint {
  /** KiB. */
  readonly memory: number
  readonly threads: number
  readonly handles: number
  /** Requests of the kernel that have no answer; 0 where the machine does not show them. */
  readonly waiting: number
}

async function footprint({ process: { pid }, dir }: SpaceMount): Promise<Footprint> {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const value = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1])
  const waiting = `/sys/fs/fuse/connections/${(await mountAt(dir))?.connection}/waiting`
  return {
    memory: value('VmRSS'),
    threads: value('Threads'),
    handles: openFiles(Number(pid)),
    waiting: existsSync(waiting) ? Number(readFileSync(waiting, 'utf8')) : 0,
  }
}

/** Without sockets: connections to the server are kept for the next time, as many as were needed at once. */
function openFiles(pid: number): number {
  const folder = `/proc/${pid}/fd`
  return readdirSync(folder).filter((handle) => !target(join(folder, handle)).startsWith('socket:')).length
}

function target(link: string): string {
  try {
    return readlinkSync(link)
  } catch {
    // It was closed meanwhile.
    return 'socket:'
  }
}

/** Polls until what was closed has been let go of, and answers the last numbers. */
async function settled(mount: SpaceMount, { threads, handles }: Footprint): Promise<Footprint> {
  for (const end = Date.now() + 30_000; ; await delay(100)) {
    const seen = await footprint(mount)
    const isQuiet = seen.threads <= threads && seen.handles <= handles && seen.waiting === 0
    if (isQuiet || Date.now() > end) return seen
  }
}

async function round(t: ExecutionContext, { dir }: SpaceMount, random: Random): Promise<void> {
  const local = tempFolder(t)
  const walks = Array.from({ length: PROCESSES }, async (_, index) => {
    const [here, there] = [join(local, `${index}`), join(dir, `${index}`)]
    mkdirSync(here)
    await must(t, 'mkdir', [there])
    return runTimed(process.execPath, [WALK, here, there, String(random.below(1e9)), String(STEPS)], {
      seconds: LONG ? 600 : 90,
    })
  })
  for (const { code, said } of await Promise.all(walks)) t.is(code, 0, said)
  await must(t, 'diff', ['-r', local, dir])
  await must(t, 'sh', ['-c', 'rm -r *'], { cwd: dir })
  rmSync(local, { recursive: true })
}

for (const kind of ['through', 'back'] as const) {
  mountTest(`${kind}: ${ROUNDS * STEPS * PROCESSES} operations leave nothing behind`, async (t) => {
    t.timeout(LONG ? 3_600_000 : 180_000)
    const random = Random.seeded()
    t.log(`seed ${random.seed}`)
    const server = await testServer()
    t.teardown(() => server.stop())
    await makeSpace({ ...server, space: kind })
    const mount = await mountSpace(t, server, kind, { kind })
    for (let i = 0; i < WARM; i++) await round(t, mount, random)
    const before = await footprint(mount)
    for (let i = WARM; i < ROUNDS; i++) await round(t, mount, random)
    const after = await settled(mount, before)
    t.log(`before ${JSON.stringify(before)}, after ${JSON.stringify(after)}`)
    t.is(after.waiting, 0)
    t.true(after.threads <= before.threads && after.handles <= before.handles)
    if (LONG) t.true(after.memory <= before.memory + SWAY)
    await mount.end()
    await agrees(t, server, kind)
    t.deepEqual(server.errors, [])
  })
}
