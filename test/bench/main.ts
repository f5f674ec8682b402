/**
 * `npm run bench -- [--quick] [--json] [--report] [GROUP…]`: how fast we are beside others, in one run. Only ratios count;
 * absolute numbers belong to the machine. Groups: see `GROUPS`. `--report` keeps what was found in `results/` and writes
 * `report.md` anew of all that was kept; `--redraw` only writes it.
 */
import { exit, stderr, stdout } from 'node:process'
import { parseArgs } from 'node:util'
import { blobs } from './blobs.js'
import { dav } from './dav.js'
import type { Group } from './group.js'
import { http } from './http.js'
import { journal } from './journal.js'
import { measure, print, type Result } from './measure.js'
import { mount } from './mount.js'
import { profiles } from './profiles.js'
import { newFileMicros, thisDisk, thisMachine } from './report/machine.js'
import { type GroupResults, keep } from './report/results.js'
import { writeReport } from './report/write.js'
import { scale } from './scale.js'
import { sharing } from './sharing.js'
import { store } from './store.js'
import { uploads } from './uploads.js'

const GROUPS: Readonly<Record<string, Group>> = {
  dav,
  mount,
  http,
  uploads,
  store,
  scale,
  journal,
  blobs,
  sharing,
  profiles,
}
const ROUNDS = 5

const flag = { type: 'boolean', default: false } as const
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: flag, quick: flag, report: flag, redraw: flag },
})
const unknown = positionals.find((name) => !(name in GROUPS))
if (unknown !== undefined) {
  stderr.write(`There is no group "${unknown}"; there are ${Object.keys(GROUPS).join(', ')}.\n`)
  exit(1)
}

// Else nobody hears of the end: not what unmounts, not what ends servers and removes folders.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => exit(1))

async function run(name: string): Promise<GroupResults> {
  const group = GROUPS[name] as Group
  const machine = thisMachine()
  const results: Result[] = []
  const remarks: string[] = []
  const newFile = [newFileMicros()]
  for await (const what of group({ quick: values.quick })) {
    if (typeof what === 'string') {
      remarks.push(what)
      if (!values.json) stdout.write(`${name}: ${what}\n`)
      continue
    }
    const result = await measure(name, what, ROUNDS)
    results.push(result)
    newFile.push(newFileMicros())
    if (!values.json) stdout.write(`${print(result)}\n`)
  }
  const [first] = newFile
  remarks.push(
    `The disk is ${thisDisk()}; to make a file there took ${first} µs before, and up to ${Math.max(...newFile)} µs between the lines.`,
  )
  return { group: name, machine, quick: values.quick, results, remarks }
}

const all: GroupResults[] = []
if (!values.redraw) {
  for (const name of positionals.length > 0 ? positionals : Object.keys(GROUPS)) {
    const found = await run(name)
    all.push(found)
    if (values.report) await keep(found)
  }
}
if (values.json) stdout.write(`${JSON.stringify(all, null, 2)}\n`)
if (values.report || values.redraw) await writeReport(Object.keys(GROUPS))
