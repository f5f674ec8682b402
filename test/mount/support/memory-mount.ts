/**
 * Mounts a MemoryFileSystem: `node memory-mount.js <folder> <options as JSON>`. Says "ready" on stdout, then answers each line of stdin
 * with one of JSON: `calls` (and forgets them), `open` (how many files are).
 */
import { createInterface } from 'node:readline'
import { mountFuse } from '../../../mount/fuse/index.js'
import { MemoryFileSystem } from './memory-fs.js'

const [folder = '', options = '{}'] = process.argv.slice(2)
const say = (text: string) => process.stdout.write(`${text}\n`)
const log = {
  info: say,
  warn: (m: string) => process.stderr.write(`${m}\n`),
  error: (m: string) => process.stderr.write(`${m}\n`),
}

const fs = new MemoryFileSystem()
const mounted = await mountFuse(folder, fs, { name: 'memory', log, ...JSON.parse(options) })
let stops = 0
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => mounted.unmount(stops++ > 0))
}
createInterface({ input: process.stdin }).on('line', (line) => {
  if (line === 'calls') say(JSON.stringify(fs.calls.splice(0)))
  if (line === 'open') say(JSON.stringify(fs.open_.size))
})
say('ready')
await mounted.done
await fs.close()
process.exit()
