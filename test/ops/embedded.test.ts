import { readdirSync, renameSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import { connectRedis } from '../../src/redis/connect.js'
import { startEmbeddedRedis } from '../../src/redis/embedded.js'
import { DataDirInUseError } from '../../src/redis/lock.js'
import { tempFolder } from '../support/folder.js'

test('data outlive a clean stop', async (t) => {
  const dataDir = tempFolder(t)
  for (const expected of [null, 'kept']) {
    const embedded = await startEmbeddedRedis({ dataDir, durability: 'os' })
    const redis = await connectRedis(embedded.socket, { name: 'test' })
    t.is(await redis.get('key'), expected)
    await redis.set('key', 'kept')
    redis.disconnect()
    await embedded.stop()
  }
})

test('a Redis that is killed comes back with its data, on the same socket, for the same client', async (t) => {
  const embedded = await startEmbeddedRedis({ dataDir: tempFolder(t), durability: 'full' })
  const redis = await connectRedis(embedded.socket, { name: 'test' })
  await redis.set('key', 'kept')
  const first = embedded.pid as number
  process.kill(first, 'SIGKILL')
  let value: string | null | undefined
  while (value === undefined || embedded.pid === first) {
    value = await redis.get('key').catch(() => undefined)
    if (value === undefined) await delay(20)
  }
  t.is(value, 'kept')
  t.not(embedded.pid, first)
  redis.disconnect()
  await embedded.stop()
})

test('the settings are those of a store: durable, never evicting, no TCP', async (t) => {
  for (const [durability, fsync] of [
    ['full', 'always'],
    ['os', 'everysec'],
  ] as const) {
    const embedded = await startEmbeddedRedis({ dataDir: tempFolder(t), durability })
    const redis = await connectRedis(embedded.socket, { name: 'test' })
    const settings = await redis.config('GET', 'append*', 'maxmemory-policy', 'port', 'save', 'lazyfree*')
    const found = Object.fromEntries(
      Array.from({ length: settings.length / 2 }, (_, i) => settings.slice(2 * i, 2 * i + 2)),
    )
    t.like(found, {
      appendonly: 'yes',
      appendfsync: fsync,
      'maxmemory-policy': 'noeviction',
      port: '0',
      save: '',
      'lazyfree-lazy-user-del': 'yes',
    })
    redis.disconnect()
    await embedded.stop()
  }
})

test('a data folder whose path is too long for a socket works, and is found again', async (t) => {
  const dataDir = join(tempFolder(t), 'long'.repeat(30))
  const embedded = await startEmbeddedRedis({ dataDir, durability: 'os' })
  t.true(Buffer.byteLength(embedded.socket) <= 100)
  const error = await t.throwsAsync(startEmbeddedRedis({ dataDir, durability: 'os' }), {
    instanceOf: DataDirInUseError,
  })
  t.true(error.message.includes(embedded.socket))
  await embedded.stop()
})

test('a second start says who holds the folder and how to join', async (t) => {
  const dataDir = tempFolder(t)
  const embedded = await startEmbeddedRedis({ dataDir, durability: 'os' })
  const error = await t.throwsAsync(startEmbeddedRedis({ dataDir, durability: 'os' }), {
    instanceOf: DataDirInUseError,
  })
  t.regex(error.message, new RegExp(`process ${process.pid}\\)`))
  t.true(error.message.includes(`REDIS_URL=${embedded.socket}`))
  await embedded.stop()
  const again = await startEmbeddedRedis({ dataDir, durability: 'os' })
  await again.stop()
})

test('of many starts at once exactly one wins, over the stale lock of a killed server', async (t) => {
  const dataDir = tempFolder(t)
  await leaveStaleSocket(join(dataDir, 'server.sock'))
  const starts = await Promise.allSettled(
    Array.from({ length: 12 }, () => startEmbeddedRedis({ dataDir, durability: 'os' })),
  )
  const winners = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []))
  t.is(winners.length, 1)
  for (const start of starts) {
    if (start.status === 'rejected') t.true(start.reason instanceof DataDirInUseError, String(start.reason))
  }
  await winners[0]?.stop()
  t.deepEqual(readdirSync(dataDir), ['redis'])
})

/** A socket that nobody listens on any more: closing removes the name that was bound, and not this one. */
async function leaveStaleSocket(path: string): Promise<void> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(`${path}.bound`, resolve))
  renameSync(`${path}.bound`, path)
  await new Promise((resolve) => server.close(resolve))
}

test('what stands where the data folder should be is named', async (t) => {
  const file = join(tempFolder(t), 'file')
  writeFileSync(file, '')
  for (const dataDir of [file, join(file, 'below')]) {
    const error = await t.throwsAsync(startEmbeddedRedis({ dataDir, durability: 'os' }))
    t.true(error?.message.startsWith(`The data folder ${dataDir} cannot be used`), error?.message)
  }
})

test('a Redis that cannot load its data says why, and lets the folder go', async (t) => {
  const dataDir = tempFolder(t)
  await (await startEmbeddedRedis({ dataDir, durability: 'os' })).stop()
  const folder = join(dataDir, 'redis', 'appendonlydir')
  writeFileSync(join(folder, 'appendonly.aof.manifest'), 'nonsense\n')
  for (let tries = 0; tries < 2; tries++) {
    const error = await t.throwsAsync(startEmbeddedRedis({ dataDir, durability: 'os' }))
    t.regex(error?.message ?? '', /redis-server did not start\.[\s\S]*manifest/)
  }
})
