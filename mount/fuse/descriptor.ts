import { readdirSync, readlinkSync } from 'node:fs'

const FOLDER = '/proc/self/fd'
const DEVICE = '/dev/fuse'

/** This process's descriptors of /dev/fuse; none where the system does not show them (macOS). */
export function fuseDescriptors(): Set<number> {
  return new Set(list().filter(isFuse))
}

/** Whether this one has not been closed yet. */
export function isFuse(descriptor: number): boolean {
  try {
    return readlinkSync(`${FOLDER}/${descriptor}`) === DEVICE
  } catch {
    return false
  }
}

function list(): number[] {
  try {
    return readdirSync(FOLDER).map(Number)
  } catch {
    return []
  }
}
