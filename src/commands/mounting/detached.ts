import { closeSync, mkdirSync, openSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { userFolder } from '../../user-folders.js'
import type { MountRequest } from './run.js'
import { spawnMount } from './spawn.js'

/** A log that has grown longer begins anew with the next mount. */
const LONG_LOG = 1024 * 1024

/** Mounts in the background; resolves, when it is ready, with the line that says so. */
export async function mountDetached(request: MountRequest): Promise<string> {
  const log = logFile()
  const descriptor = openSync(log, isLong(log) ? 'w' : 'a', 0o600)
  try {
    const { ready } = await spawnMount(request, { stay: true, logLevel: 'info', log: descriptor })
    return `${ready}; its log is ${log}`
  } finally {
    closeSync(descriptor)
  }
}

function logFile(): string {
  const folder = join(userFolder('state'), 'novem-spaces')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return join(folder, 'mount.log')
}

function isLong(file: string): boolean {
  return (statSync(file, { throwIfNoEntry: false })?.size ?? 0) > LONG_LOG
}
