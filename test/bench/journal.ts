import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Group } from './group.js'
import type { Measurement, Sample } from './measure.js'
import { type Ours, startOurs } from './peers/ours.js'
import { residentMb } from './peers/processes.js'
import { Stage } from './stage.js'

/** Clients that wait for changes of one space by long polls, all at one process: what waiting costs, and how soon they hear. */

const IDLE_MS = 3000
const TICKS_A_SECOND = 100

export const journal: Group = async function* ({ quick }) {
  const stage = new Stage()
  try {
    const ours = await stage.started(startOurs(await stage.folder(tmpdir())))
    for (const clients of quick ? [100, 1000] : [100, 1000, 10_000]) yield* watched(ours, clients)
  } finally {
    await stage.end()
  }
}

/** What one round of waiting has shown. */
interface Wait {
  readonly memoryMb: number
  readonly cpuPercent: number
  readonly heard: Sample
}

/** One round serves three measurements; the further two look up what the first one saw. */
function* watched(ours: Ours, clients: number): Generator<Measurement> {
  const seen: Wait[] = []
  const again = <T>(pick: (wait: Wait) => T) => {
    let next = 0
    return () => pick(seen[next++] as Wait)
  }
  const many = clients.toLocaleString('en')
  const measurement = (
    name: string,
    unit: string,
    run: () => Sample | number | Promise<Sample | number>,
  ): Measurement => ({
    name: `${name}, ${many} clients`,
    unit,
    rounds: 3,
    sides: [{ name: ours.name, run: async () => run() }],
    point: { curve: name, of: 'clients that wait', at: clients },
  })
  yield measurement('long polls: the last one has heard after', 'ms', async () => {
    const wait = await oneWait(ours, clients)
    seen.push(wait)
    return wait.heard
  })
  yield measurement(
    'long polls: resident memory of the server while they wait',
    'MB',
    again(({ memoryMb }) => memoryMb),
  )
  yield measurement(
    'long polls: processor time of the server while they wait',
    '%',
    again(({ cpuPercent }) => cpuPercent),
  )
}

async function oneWait(ours: Ours, clients: number): Promise<Wait> {
  const script = fileURLToPath(new URL('journal/clients.js', import.meta.url))
  const child = spawn(process.execPath, [script, `${ours.spaces}/files`, ours.token, String(clients)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const told = said(child)
  await told.waiting
  // They have asked; now the server must have got as far as waiting itself.
  for (let before = -1; before !== processorTicks(ours); await delay(200)) before = processorTicks(ours)
  const began = processorTicks(ours)
  await delay(IDLE_MS)
  const cpuPercent = (100 * (processorTicks(ours) - began)) / TICKS_A_SECOND / (IDLE_MS / 1000)
  const memoryMb = residentMb([ours.pid], 'now')
  child.stdin.write('now\n')
  const heard = (JSON.parse(await told.rest) as number[]).sort((a, b) => a - b)
  const at = (part: number) => heard[Math.ceil(part * heard.length) - 1] as number
  return { memoryMb, cpuPercent, heard: { value: at(1), latency: { p50: at(0.5), p99: at(0.99) } } }
}

type Clients = ChildProcessByStdio<Writable, Readable, null>

/** That all wait, and what was said behind that. */
function said(child: Clients): { readonly waiting: Promise<void>; readonly rest: Promise<string> } {
  let text = ''
  let isWaiting = () => {}
  const waiting = new Promise<void>((resolve, reject) => {
    isWaiting = resolve
    child.once('exit', (code) => reject(new Error(`The clients ended with ${code}.`)))
  })
  child.stdout.setEncoding('utf8').on('data', (more: string) => {
    text += more
    if (text.includes('waiting\n')) isWaiting()
  })
  const rest = new Promise<string>((resolve) => {
    child.stdout.once('end', () => resolve(text.split('waiting\n')[1] ?? ''))
  })
  return { waiting, rest }
}

/** Of the server itself, in user mode and in the kernel (proc(5), stat). */
function processorTicks({ pid }: Ours): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return Number(fields[11]) + Number(fields[12])
}
