import { readFileSync, readlinkSync } from 'node:fs'

/**
 * Who appends to a pack: boot, namespace of process ids, id and start of the process. Empty where the system does not tell
 * (it has no /proc); then only a heart-beat says whether the owner lives.
 */
export const SELF = identity()

/** The owner is known to have ended. False where nobody knows: it may be in another container, or on another machine. */
export function hasEnded(owner: string): boolean {
  const [boot, namespace, pid = '', start] = owner.split(' ')
  const [ownBoot, ownNamespace] = SELF.split(' ')
  if (SELF === '' || start === undefined || boot !== ownBoot || namespace !== ownNamespace) return false
  try {
    process.kill(Number(pid), 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
  const found = stat(pid)
  return found !== undefined && (found.start !== start || /[ZX]/.test(found.state))
}

function identity(): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    const start = stat(String(process.pid))?.start
    return start === undefined ? '' : `${boot} ${readlinkSync('/proc/self/ns/pid')} ${process.pid} ${start}`
  } catch {
    return ''
  }
}

/** proc_pid_stat(5): the second field, in parentheses, may hold anything; the state is the third, the start the 22nd. */
function stat(pid: string): { state: string; start: string } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const [state = '', ...fields] = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return { state, start: fields[18] ?? '' }
  } catch {
    return undefined
  }
}
