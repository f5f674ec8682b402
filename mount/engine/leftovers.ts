import { statSync } from 'node:fs'
import { join } from 'node:path'
import { IntentLog } from './intents.js'
import type { Unsent } from './queue.js'

/** Where the intent log of a cache folder is. */
export function intentLogOf(cacheDir: string): string {
  return join(cacheDir, 'intents.log')
}

/** Where the bytes are that it tells of. */
export function workFolderOf(cacheDir: string): string {
  return join(cacheDir, 'work')
}

/** What waits to be sent in a cache folder that no mount uses now. */
export function unsentBelow(cacheDir: string): Unsent[] {
  return IntentLog.read(intentLogOf(cacheDir)).flatMap(({ path, work }) => {
    const size = statSync(join(workFolderOf(cacheDir), work), { throwIfNoEntry: false })?.size
    return size === undefined ? [] : { path, size }
  })
}
