import { existsSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { FOUR_PROPERTIES } from './dav/bodies.js'
import { fillFolder, localFile, MB, makeFolder, move, put } from './files.js'
import type { Group } from './group.js'
import type { Measurement } from './measure.js'
import { startOurs } from './peers/ours.js'
import type { Peer } from './peers/peer.js'
import { cut, type Frame, moment, profiling, readProfile, type Stretch } from './profile/cpu-profile.js'
import { flameGraph } from './profile/flame.js'
import { byKind } from './profile/kinds.js'
import { BENCH } from './report/results.js'
import { Stage } from './stage.js'
import { curl } from './tools/curl.js'
import { CURL, missing, WRK } from './tools/install.js'
import { wrk } from './tools/wrk.js'

/**
 * Where the time of our server's process goes on each hot path: one server with Node's own profiler, one path after the other. A flame
 * graph of each is written into `flames/`. Redis and the load generator are other processes, and not in it.
 */

const SMALL = 4096
const LISTED = 10_000
const CONNECTIONS = 16
const FLAMES = new URL('flames/', BENCH)

interface Path {
  readonly file: string
  readonly title: string
  /** Resolves with how many requests were made. */
  run(peer: Peer): Promise<number>
}

interface Profiled extends Path {
  readonly root: Frame
  readonly requests: number
}

export const profiles: Group = async function* ({ quick }) {
  const absent = [WRK, CURL].map(missing).filter((why) => why !== undefined)
  if (absent.length > 0) {
    yield `nothing measured: ${absent.join('; ')}`
    return
  }
  const stage = new Stage()
  try {
    const all = await record(stage, quick)
    await rm(FLAMES, { recursive: true, force: true })
    await mkdir(FLAMES, { recursive: true })
    for (const { file, title, root } of all) {
      await writeFile(new URL(`${file}.svg`, FLAMES), flameGraph(title, root))
      yield `![${title}](flames/${file}.svg)`
    }
    yield* all.map(costs)
  } finally {
    await stage.end()
  }
}

async function record(stage: Stage, quick: boolean): Promise<Profiled[]> {
  const where = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
  const kept = await stage.folder(tmpdir())
  const ours = await startOurs(await stage.folder(where), { nodeArguments: profiling(kept) })
  const found: (Path & { readonly stretch: Stretch; readonly requests: number })[] = []
  try {
    for (const path of await paths(stage, ours.dav, quick)) {
      // What the engine learns on the way is not what a request costs.
      await path.run(ours.dav)
      const from = moment()
      const requests = await path.run(ours.dav)
      found.push({ ...path, requests, stretch: { from, to: moment() } })
    }
  } finally {
    await ours.end()
  }
  const profile = await readProfile(kept)
  return found.map(({ stretch, ...path }) => ({ ...path, root: cut(profile, stretch) }))
}

async function paths(stage: Stage, peer: Peer, quick: boolean): Promise<Path[]> {
  const scratch = await stage.folder(tmpdir())
  const seconds = quick ? 2 : 6
  const large = await localFile(scratch, 100 * MB)
  let round = 0
  await put(peer, 'small.bin', Buffer.alloc(SMALL, 'x'))
  await fillFolder(peer, 'listed', LISTED)
  await makeFolder(peer, 'over')
  await fillFolder(peer, 'moved0', 10)
  let moved = 'moved0'
  const load = async (what: Omit<Parameters<typeof wrk>[1], 'connections' | 'seconds'>) =>
    seconds * (await wrk(peer, { connections: CONNECTIONS, seconds, ...what }, scratch)).value
  const repeated = async (times: number, work: () => Promise<unknown>) => {
    for (let n = 0; n < times; n++) await work()
    return times
  }
  const properties = { method: 'PROPFIND', body: FOUR_PROPERTIES }
  return [
    { file: 'get', title: 'GET of 4 KiB', run: () => load({ method: 'GET', path: 'small.bin' }) },
    {
      file: 'propfind',
      title: 'PROPFIND of one file',
      run: () => load({ ...properties, path: 'small.bin', headers: { Depth: '0' } }),
    },
    {
      file: 'put-new',
      title: 'PUT of a new file of 4 KiB',
      run: async () => {
        const folder = `round${round++}`
        await makeFolder(peer, folder)
        return load({ method: 'PUT', path: `${folder}/document-%d.bin`, body: SMALL })
      },
    },
    {
      file: 'put-over',
      title: 'PUT over a file of 4 KiB',
      run: () => load({ method: 'PUT', path: 'over/%d.bin', names: 1024, body: SMALL }),
    },
    {
      file: 'listing',
      title: 'PROPFIND of a folder of 10,000, four properties',
      run: () =>
        repeated(20 * seconds, () =>
          curl(peer, 'listed/', ['-X', 'PROPFIND', '-H', 'Depth: 1', '-d', FOUR_PROPERTIES]),
        ),
    },
    {
      file: 'move',
      title: 'MOVE of a folder, one after the other',
      run: () =>
        repeated(400 * seconds, async () => {
          const to = `moved${++round}`
          await move(peer, `${moved}/`, `${to}/`)
          moved = to
        }),
    },
    {
      file: 'up',
      title: '100 MB up',
      run: () => repeated(2 * seconds, () => curl(peer, 'large.bin', ['-T', large])),
    },
    { file: 'down', title: '100 MB down', run: () => repeated(8 * seconds, () => curl(peer, 'large.bin')) },
  ]
}

/** A line for each kind of work, in microseconds a request. */
function costs({ title, root, requests }: Profiled): Measurement {
  const sides = [...byKind(root)]
    .filter(([, spent]) => spent > 0)
    .map(([kind, spent]) => ({ name: kind, run: () => spent / requests }))
  return {
    name: `${title}: the server’s process, a request`,
    unit: 'µs',
    rounds: 1,
    sides: [{ name: 'all', run: () => root.total / requests }, ...sides],
  }
}
