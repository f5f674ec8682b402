/**
 * Mounts a MemoryFileSystem: `node memory-mount.js <folder> <options as JSON>`. Says "ready" on stdout, then answers each line of stdin
 * with one of JSON:
 * `calls` (and forgets them), `open` (how many files are), `put <path> <text>` and `remove <path>` (as somebody else).
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
  const [command, path = '', ...words] = line.split(' ')
  say(JSON.stringify(answer(command, path, words.join(' ')) ?? null))
})

function answer(command: string | undefined, path: string, text: string): unknown {
  if (command === 'calls') return fs.calls.splice(0)
  if (command === 'open') return fs.open_.size
  if (command === 'put') fs.put(path, text)
  if (command === 'remove') fs.unlink(path)
  const at = path.lastIndexOf('/')
  const folder = path.slice(0, Math.max(1, at))
  mounted.invalidate([{ folder, name: path.slice(at + 1), unlinked: command === 'remove' }])
  return undefined
}
say('ready')
await mounted.done
await fs.close()
process.exit()
