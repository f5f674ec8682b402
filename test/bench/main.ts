/**
 * `npm run bench -- [--quick] [--json] [GROUP…]`: how fast we are beside others, in one run. Only ratios count; absolute
 * numbers belong to the machine. Groups: see `GROUPS`.
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
import { scale } from './scale.js'
import { sharing } from './sharing.js'
import { store } from './store.js'
import { uploads } from './uploads.js'

const GROUPS: Readonly<Record<string, Group>> = {
  store,
  blobs,
  http,
  dav,
  mount,
  uploads,
  journal,
  scale,
  sharing,
}
const ROUNDS = 5

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false }, quick: { type: 'boolean', default: false } },
})
const unknown = positionals.find((name) => !(name in GROUPS))
if (unknown !== undefined) {
  stderr.write(`There is no group "${unknown}"; there are ${Object.keys(GROUPS).join(', ')}.\n`)
  exit(1)
}

const results: (Result | { readonly group: string; readonly remark: string })[] = []
for (const name of positionals.length > 0 ? positionals : Object.keys(GROUPS)) {
  const group = GROUPS[name] as Group
  for await (const what of group({ quick: values.quick })) {
    if (typeof what === 'string') {
      results.push({ group: name, remark: what })
      if (!values.json) stdout.write(`${name}: ${what}\n`)
      continue
    }
    const result = await measure(name, what, ROUNDS)
    results.push(result)
    if (!values.json) stdout.write(`${print(result)}\n`)
  }
}
if (values.json) stdout.write(`${JSON.stringify(results, null, 2)}\n`)
