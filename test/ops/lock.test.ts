import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { acquireLock, DataDirInUseError, lockHolder } from '../../src/redis/lock.js'
import { runtimePaths } from '../../src/redis/runtime.js'
import { askSocket, holdSocket } from '../../src/socket-lock.js'
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

/** Somebody who listens, at a name of their own, and takes the lock's by a link. */
async function other(path: string): Promise<Server> {
  const server = createServer((socket) => socket.end('the other'))
  server.listen(path)
  await once(server, 'listening')
  return server
}

test.serial(
  'who takes a dead holder’s socket away leaves alone what has taken its place meanwhile',
  async (t) => {
    const folder = tempFolder(t)
    const path = join(folder, 'lock')
    const dead = await other(join(folder, 'dead'))
    fs.linkSync(join(folder, 'dead'), path)
    dead.close()
    await once(dead, 'close')
    const living = await other(join(folder, 'living'))
    t.teardown(() => living.close())

    // Whose turn was before ours has just taken the dead one away; and who needs no turn takes the free name, as late as can be.
    const { mkdirSync, rmSync } = fs
    let isFree = false
    fs.mkdirSync = ((made: string, ...rest: []) => {
      mkdirSync(made, ...rest)
      rmSync(path, { force: true })
      isFree = true
    }) as typeof fs.mkdirSync
    fs.rmSync = (removed, options) => {
      if (isFree) fs.linkSync(join(folder, 'living'), path)
      isFree = false
      rmSync(removed, options)
    }
    syncBuiltinESMExports()
    t.teardown(() => {
      Object.assign(fs, { mkdirSync, rmSync })
      syncBuiltinESMExports()
    })

    t.is(await holdSocket(path, () => 'a second one'), undefined)
    t.is(await askSocket(path), 'the other')
  },
)
