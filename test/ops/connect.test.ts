import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import type { Log } from '../../src/log.js'
import { connectRedis, parseRedisUrl, shownUrl } from '../../src/redis/connect.js'
import { testRedis } from '../support/redis.js'

test('addresses of every form, and what is none', (t) => {
  t.is(parseRedisUrl('/run/redis.sock'), '/run/redis.sock')
  t.is(parseRedisUrl('redis+unix:///run/redis.sock?db=2'), '/run/redis.sock?db=2')
  t.is(parseRedisUrl('rediss://user:secret@host:6380/1'), 'rediss://user:secret@host:6380/1')
  for (const wrong of ['', 'host', 'host:6379', '//host', 'http://host', 'redis+unix://host']) {
    t.throws(() => parseRedisUrl(wrong), { message: /is not a Redis address/ }, wrong)
  }
})

test('passwords stay out of messages', async (t) => {
  t.is(shownUrl('redis://user:secret@host:1'), 'redis://user:***@host:1')
  const error = await t.throwsAsync(
    connectRedis('redis://:secret@127.0.0.1:1', { name: 'test', patience: 2000 }),
  )
  t.regex(error.message, /Redis at redis:\/\/:\*\*\*@127\.0\.0\.1:1 cannot be used: connect ECONNREFUSED/)
})

test('a Redis that may evict is refused', async (t) => {
  const redis = await testRedis({ settings: { maxmemory: '50mb', 'maxmemory-policy': 'allkeys-lru' } })
  t.teardown(redis.stop)
  const error = await t.throwsAsync(connectRedis(redis.socket, { name: 'test' }))
  t.regex(error.message, /maxmemory-policy is "allkeys-lru".*set "maxmemory-policy noeviction"/)
})

test('a read-only replica is refused', async (t) => {
  const redis = await testRedis({ settings: { replicaof: '127.0.0.1 1' } })
  t.teardown(redis.stop)
  const error = await t.throwsAsync(connectRedis(redis.socket, { name: 'test' }))
  t.regex(error.message, /replica of 127\.0\.0\.1:1; connect to the master/)
})

test('a wrong password is said at once', async (t) => {
  const redis = await testRedis()
  t.teardown(redis.stop)
  const admin = await redis.connect()
  await admin.config('SET', 'requirepass', 'right')
  const error = await t.throwsAsync(connectRedis(`${redis.socket}?password=wrong`, { name: 'test' }))
  t.regex(error.message, /WRONGPASS/)
})

test('a Redis without an append-only file is used with a warning', async (t) => {
  const warnings: string[] = []
  const log: Log = { info() {}, error() {}, warn: (message) => warnings.push(message) }
  for (const aof of [undefined, 'everysec'] as const) {
    const redis = await testRedis(aof ? { aof } : {})
    t.teardown(redis.stop)
    const client = await connectRedis(redis.socket, { name: 'test', log })
    client.disconnect()
    await redis.stop()
  }
  t.is(warnings.filter((warning) => warning.includes('appendonly yes')).length, 1)
})

test('commands in flight when Redis dies are rejected and never run twice', async (t) => {
  const redis = await testRedis({ aof: 'always' })
  t.teardown(redis.stop)
  const client = await redis.connect()
  const observer = await redis.connect()
  const blocked = t.throwsAsync(client.blpop('nothing', 0))
  while (!String(await observer.client('LIST')).includes('cmd=blpop')) await delay(5)
  await redis.kill9()
  await blocked
  await t.throwsAsync(client.get('key'), undefined, 'nothing hangs while Redis is away')
  await redis.restart()
  let answer: string | undefined
  while (answer === undefined) answer = await client.ping().catch(() => undefined)
  t.is(answer, 'PONG')
})

test('something that accepts connections and never answers does not hang us', async (t) => {
  const folder = mkdtempSync('/tmp/novem-mute-')
  const mute = createServer((socket) => socket.on('error', () => {}))
  await new Promise<void>((resolve) => mute.listen(`${folder}/mute.sock`, resolve))
  await t.throwsAsync(connectRedis(`${folder}/mute.sock`, { name: 'test', patience: 300 }), {
    message: /mute\.sock cannot be used/,
  })
  mute.close()
  rmSync(folder, { recursive: true })
})
