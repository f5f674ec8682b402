/**
 * A process beside the one that serves a mount, for what that one must not do itself:
 *
 * - It asks the kernel for the inode of paths in the mount. (Who serves a mount and asks it waits for himself.)
 *   A line `[id, "inode", path]` on stdin is answered by `[id, inode]` on stdout; 0 where nothing is. `statfs` asks for
 *   that instead, and is answered by 0.
 * - It ends the mount's connection when its server was killed but cannot die: a notification waits, uninterruptibly, for a lock that the
 *   kernel holds for a request which nobody will answer any more. A line `{"mountPoint", "connection"}` says which.
 *
 * It is started before the mount, since it would else inherit its /dev/fuse, and ends with its parent's end of the pipe.
 */
import { readFileSync } from 'node:fs'
import { lstat, statfs } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { abortConnection } from './abort.js'

type Question = 'inode' | 'statfs'

interface Watched {
  readonly mountPoint: string
  /** Its number under /sys/fs/fuse/connections. */
  readonly connection: number
}

const LOOK = 500
const server = process.ppid

// Ctrl-C goes to all of a terminal's processes, and the server still needs us then.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const said = JSON.parse(line) as [number, Question, string] | Watched
    if (Array.isArray(said)) void answer(...said)
    else setInterval(() => look(said), LOOK)
  })
  .on('close', () => process.exit())

async function answer(id: number, question: Question, path: string): Promise<void> {
  const asked = question === 'inode' ? lstat(path).then(({ ino }) => ino) : statfs(path).then(() => 0)
  const found = await asked.catch(() => 0)
  process.stdout.write(`${JSON.stringify([id, found])}\n`)
}

function look({ mountPoint, connection }: Watched): void {
  if (isZombie(server)) void abortConnection(connection, mountPoint)
}

/** Its first thread has ended and another one lives on; had all ended, our stdin would have as well. */
function isZombie(id: number): boolean {
  try {
    const stat = readFileSync(`/proc/${id}/stat`, 'latin1')
    return stat.slice(stat.lastIndexOf(')') + 2)[0] === 'Z'
  } catch {
    return false
  }
}
