/** Mounts a MemoryFileSystem at each of the folders that are its arguments, all at once; a file in each says which it is. Ends with stdin. */
import { mountFuse } from '../../../mount/fuse/index.js'
import { MemoryFileSystem } from './memory-fs.js'

const warn = (text: string) => process.stderr.write(`${text}\n`)

const mounts = await Promise.all(
  process.argv.slice(2).map((folder) => {
    const memory = new MemoryFileSystem()
    memory.put('/which', folder)
    return mountFuse(folder, memory, { name: 'memory', log: { info: warn, warn, error: warn } })
  }),
)
process.stdout.write('ready\n')
process.stdin.resume().on('end', async () => {
  await Promise.all(mounts.map((mount) => mount.unmount()))
  process.exit()
})
