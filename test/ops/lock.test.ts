import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { acquireLock, DataDirInUseError, lockHolder } from '../../src/redis/lock.js'
import { runtimePaths } from '../../src/redis/runtime.js'
import { tempFolder } from '../support/folder.js'

const HOLDER = fileURLToPath(new URL('./lock-holder.js', import.meta.url))

test('many processes that die with the lock in their hands: each gets it, never two at once', async (t) => {
  const dataDir = tempFolder(t)
  const ends = await Promise.all(
    Array.from({ length: 8 }, async () => {
      const child = spawn(process.execPath, [HOLDER, dataDir], { stdio: 'inherit' })
      t.teardown(() => child.kill('SIGKILL'))
      const [, signal] = await once(child, 'exit')
      return signal as unknown
    }),
  )
  t.deepEqual(
    ends,
    ends.map(() => 'SIGKILL'),
  )
})

test('the holder is named while it holds, and nobody afterwards', async (t) => {
  const paths = runtimePaths(tempFolder(t))
  t.is(await lockHolder(paths), undefined)
  const lock = await acquireLock(paths, 'command')
  t.deepEqual(await lockHolder(paths), { pid: process.pid, role: 'command' })
  await t.throwsAsync(acquireLock(paths, 'server'), {
    instanceOf: DataDirInUseError,
    message: /another command/,
  })
  await lock.release()
  t.is(await lockHolder(paths), undefined)
})
