/** `node index.js <folder>`: runs all behaviours there, each in a folder of its own; a JSON line each on stdout. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ATTRIBUTES } from './attributes.js'
import type { Behaviour } from './behaviour.js'
import { CALLS } from './calls.js'
import { FILES } from './files.js'
import { NAMES } from './names.js'
import { PATHS } from './paths.js'

export const BEHAVIOURS: readonly Behaviour[] = [...FILES, ...NAMES, ...PATHS, ...ATTRIBUTES, ...CALLS]

const [, script, root] = process.argv
if (script === fileURLToPath(import.meta.url) && root !== undefined) {
  for (const [index, { name, run }] of BEHAVIOURS.entries()) {
    const dir = join(root, `behaviour ${index}`)
    mkdirSync(dir)
    let seen: unknown
    try {
      seen = run(dir)
    } catch (error) {
      seen = { raised: (error as Error).message.replaceAll(dir, '<dir>') }
    }
    process.stdout.write(`${JSON.stringify({ name, seen })}\n`)
  }
}
