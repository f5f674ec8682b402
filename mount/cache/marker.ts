/**
 * Whether the files of a cache folder can be trusted. They are never synced: after the machine itself went down, a file may
 * have its size and not its bytes. After a crash of the process alone, the kernel still has them.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const MARKER = 'in-use'
/** A new one with each start of the machine. */
const BOOT_ID = '/proc/sys/kernel/random/boot_id'

/** Marks the folder as in use until `end`. Not trusted: it was in use when the machine went down, or that cannot be told. */
export function markInUse(folder: string): { readonly isTrusted: boolean; readonly end: () => void } {
  const marker = join(folder, MARKER)
  const left = contentOf(marker)
  const boot = contentOf(BOOT_ID) ?? ''
  writeFileSync(marker, boot)
  return {
    isTrusted: left === undefined || (left === boot && boot !== ''),
    end: () => rmSync(marker, { force: true }),
  }
}

function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
