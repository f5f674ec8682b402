/**
 * One of several that want the same lock (`lock.test.ts`): gets it, is alone with it for a moment, and dies by SIGKILL
 * with the lock in its hands. Ends with 1 where it was not alone.
 */
import { mkdirSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { acquireLock, DataDirInUseError } from '../../src/redis/lock.js'
import { runtimePaths } from '../../src/redis/runtime.js'

const paths = runtimePaths(process.argv[2] as string)
const alone = join(paths.dataDir, 'alone')

async function acquire(): Promise<void> {
  for (;;) {
    try {
      await acquireLock(paths, 'server')
      return
    } catch (error) {
      if (!(error instanceof DataDirInUseError)) throw error
      await delay(Math.random() * 10)
    }
  }
}

await acquire()
mkdirSync(alone)
await delay(Math.random() * 20)
rmdirSync(alone)
process.kill(process.pid, 'SIGKILL')
