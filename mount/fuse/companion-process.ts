/**
 * A process beside the one that serves a mount. It ends the mount's connection when its server was killed but cannot die: a
 * notification waits, uninterruptibly, for a lock that the kernel holds for a request which nobody will answer any more. A line
 * `{"mountPoint", "connection"}` on stdin says which.
 *
 * It is started before the mount, since it would else inherit its /dev/fuse, and ends with its parent's end of the pipe.
 */
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { abortConnection } from './abort.js'

interface Watched {
  readonly mountPoint: string
  /** Its number under /sys/fs/fuse/connections. */
  readonly connection: number
}

const LOOK = 500
const server = process.ppid
/** While it aborts, once at a time; what it mounts for that goes before it ends. */
let aborting: Promise<void> | undefined

// Ctrl-C goes to all of a terminal's processes, and the server still needs us then.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const watched = JSON.parse(line) as Watched
    setInterval(() => look(watched), LOOK)
  })
  .on('close', () => void (aborting ?? Promise.resolve()).finally(() => process.exit()))

function look({ mountPoint, connection }: Watched): void {
  if (aborting || !isZombie(server)) return
  aborting = abortConnection(connection, mountPoint).then(() => {
    aborting = undefined
  })
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
