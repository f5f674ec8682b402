import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** A CPU profile as Node writes it by `--cpu-prof`, cut to a stretch of time and folded into one tree. */

/** The parts of the `.cpuprofile` format that are used here; times are microseconds of the monotonic clock. */
interface Recorded {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: {
      readonly functionName: string
      readonly url: string
      readonly lineNumber: number
    }
    readonly children?: readonly number[]
  }[]
  readonly startTime: number
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

/** A function, as called from where it stands in the tree; times in microseconds. */
export interface Frame {
  readonly name: string
  readonly url: string
  readonly line: number
  self: number
  total: number
  readonly children: Frame[]
}

/** In microseconds of the monotonic clock. */
export interface Stretch {
  readonly from: number
  readonly to: number
}

/** Now, on the clock of profiles. */
export function moment(): number {
  return Number(process.hrtime.bigint() / 1000n)
}

/** Arguments that make a Node process write its profile into `folder` when it ends. */
export function profiling(folder: string): string[] {
  return ['--cpu-prof', '--cpu-prof-interval=250', `--cpu-prof-dir=${folder}`]
}

/** The largest profile of the folder: processes that only start another one leave a small one behind. */
export async function readProfile(folder: string): Promise<Recorded> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.cpuprofile'))
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')))
  const [longest] = texts.sort((a, b) => b.length - a.length)
  if (longest === undefined) throw new Error(`There is no profile in ${folder}.`)
  return JSON.parse(longest) as Recorded
}

/** What ran in the stretch; idling is left out. */
export function cut({ nodes, startTime, samples, timeDeltas }: Recorded, { from, to }: Stretch): Frame {
  const frames = new Map<number, Frame>()
  for (const { id, callFrame } of nodes) {
    const { functionName, url, lineNumber } = callFrame
    frames.set(id, { name: functionName, url, line: lineNumber + 1, self: 0, total: 0, children: [] })
  }
  let at = startTime
  samples.forEach((id, index) => {
    const took = timeDeltas[index] as number
    at += took
    const frame = frames.get(id) as Frame
    if (at >= from && at <= to && frame.name !== '(idle)') frame.self += took
  })
  for (const { id, children = [] } of nodes) {
    for (const child of children) (frames.get(id) as Frame).children.push(frames.get(child) as Frame)
  }
  const root = frames.get((nodes[0] as { id: number }).id) as Frame
  addUp(root)
  return root
}

function addUp(frame: Frame): number {
  frame.total = frame.self
  for (const child of frame.children) frame.total += addUp(child)
  return frame.total
}
