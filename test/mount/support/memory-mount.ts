/**
 * Mounts a MemoryFileSystem: `node memory-mount.js <folder> <options as JSON>`. Says "ready" on stdout, then answers each line of
 * stdin, `[command, …]` in JSON, with one of JSON:
 *
 *   ["calls"]                  what was asked since the last time
 *   ["open"]                   how many files are open
 *   ["put", path, text]        a new file, as somebody else makes it
 *   ["seed", path, text]       the same, but nobody is told
 *   ["update", path, text]     other bytes in the same file
 *   ["remove", path]
 *   ["hold", method, path]     calls of that method for that path are not answered
 *   ["late", method, path]     the same, but the answer is made now
 *   ["waiting"]                how many calls are held back
 *   ["free"]                   now they are
 *   ["fail", method, errno]    calls of that method fail so; with no errno, by a TypeError
 *   ["heal"]                   none fails any more
 *   ["vanish", path]           it is there at the next look, and then no more
 *   ["size", path, bytes]      the file is said to have that size, zeros at its end
 */
import { createInterface } from 'node:readline'
import { type Errno, type FileSystem, FileSystemError } from '../../../mount/filesystem.js'
import { type Deferred, deferred } from '../../../mount/fuse/deferred.js'
import { type Mounted, mountFuse } from '../../../mount/fuse/index.js'
import { MemoryFileSystem } from './memory-fs.js'

const [folder = '', options = '{}'] = process.argv.slice(2)
const say = (text: string) => process.stdout.write(`${text}\n`)
const warn = (text: string) => process.stderr.write(`${text}\n`)

const memory = new MemoryFileSystem()
const held = new Map<string, Deferred & { readonly isLate: boolean }>()
let waiting = 0
const failing = new Map<string, Errno | undefined>()
/** Files that are removed behind the next look. */
const vanishing = new Set<string>()

/** The file system, with calls held back and failing as told. */
const fs = new Proxy<FileSystem>(memory, {
  get(target, method: keyof FileSystem) {
    const call = target[method] as (...args: unknown[]) => unknown
    return (...args: unknown[]) => {
      const gate = held.get(`${method} ${args[0]}`)
      if (gate) {
        waiting++
        const early = gate.isLate ? call.apply(target, args) : undefined
        return gate.promise.then(() => early ?? call.apply(target, args))
      }
      if (!failing.has(method)) {
        const answer = call.apply(target, args)
        if (method === 'getattr' && vanishing.delete(String(args[0]))) memory.unlink(String(args[0]))
        return answer
      }
      const errno = failing.get(method)
      throw errno
        ? new FileSystemError(errno, `${method} was to fail.`)
        : new TypeError(`${method} is broken.`)
    }
  },
})

function obey([command = '', ...[first = '', second = '']]: readonly string[]): unknown {
  switch (command) {
    case 'calls':
      return memory.calls.splice(0)
    case 'open':
      return memory.handles.size
    case 'seed':
      return memory.put(first, second)
    case 'put':
      memory.put(first, second)
      return changed(first, true)
    case 'update':
      memory.update(first, second)
      return changed(first, false)
    case 'remove':
      memory.unlink(first)
      return changed(first, true)
    case 'hold':
    case 'late':
      return held.set(`${first} ${second}`, { ...deferred(), isLate: command === 'late' }).size
    case 'waiting':
      return waiting
    case 'free':
      waiting = 0
      for (const { resolve } of held.values()) resolve()
      return held.clear()
    case 'fail':
      return failing.set(first, second ? (second as Errno) : undefined).size
    case 'heal':
      return failing.clear()
    case 'vanish':
      return vanishing.add(first).size
    case 'size':
      memory.resize(first, Number(second))
      return changed(first, false)
  }
  throw new Error(`There is no command ${command}.`)
}

function changed(path: string, unlinked: boolean): void {
  const at = path.lastIndexOf('/')
  mounted.invalidate([{ folder: path.slice(0, Math.max(1, at)), name: path.slice(at + 1), unlinked }])
}

const mounted: Mounted = await mountFuse(folder, fs, {
  name: 'memory',
  log: { info: warn, warn, error: warn },
  ...JSON.parse(options),
})
let stops = 0
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => mounted.unmount(stops++ > 0))
}
createInterface({ input: process.stdin }).on('line', (line) => {
  say(JSON.stringify(obey(JSON.parse(line)) ?? null))
})
say('ready')
await mounted.done
await fs.close()
process.exit()
