import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import type { Log } from '../../src/log.js'
import { parseRedisUrl, shownUrl } from '../../src/redis/address.js'
import { connectRedis } from '../../src/redis/connect.js'
import { runCli } from '../support/cli.js'
import { freePorts } from '../support/ports.js'
import { hasProgram, runProgram } from '../support/programs.js'
import { testRedis } from '../support/redis.js'
import { redisServer } from '../support/redis-process.js'

test('addresses of every form, and what is none', (t) => {
  const single = (target: string) => ({ kind: 'single', target })
  t.deepEqual(parseRedisUrl('/run/redis.sock'), single('/run/redis.sock'))
  t.deepEqual(parseRedisUrl('redis+unix:///run/redis.sock?db=2'), single('/run/redis.sock?db=2'))
  t.deepEqual(parseRedisUrl('rediss://user:secret@host:6380/1'), single('rediss://user:secret@host:6380/1'))
  const nodes = [
    { host: 'a', port: 1 },
    { host: '::1', port: 26379 },
  ]
  t.deepEqual(parseRedisUrl('redis-cluster://a:1,[::1]:26379'), { kind: 'cluster', tls: false, nodes })
  t.deepEqual(parseRedisUrl('rediss-cluster://:p%40ss@a:1,[::1]:26379/'), {
    kind: 'cluster',
    tls: true,
    nodes,
    password: 'p@ss',
  })
  const sentinel = { kind: 'sentinel', tls: false, master: 'my.master', db: 0, nodes }
  t.deepEqual(parseRedisUrl('redis-sentinel://a:1,[::1]:26379/my.master'), sentinel)
  t.deepEqual(parseRedisUrl('redis-sentinel://me:s@a:1,[::1]:26379/my.master/3?sentinelPassword=x%2fy'), {
    ...sentinel,
    db: 3,
    username: 'me',
    password: 's',
    sentinelPassword: 'x/y',
  })
  const wrong = ['', 'host', 'host:6379', '//host', 'http://host', 'redis+unix://host', 'redis-cluster://a']
  wrong.push(
    'redis-cluster://a:1/x',
    'redis-cluster://a:1,',
    'redis-cluster://a:70000',
    'redis-sentinel://a:1',
  )
  for (const url of wrong) t.throws(() => parseRedisUrl(url), { message: /is not a Redis address/ }, url)
})

test('passwords stay out of messages', async (t) => {
  t.is(shownUrl('redis://user:secret@host:1'), 'redis://user:***@host:1')
  t.is(
    shownUrl('redis-sentinel://:secret@a:1,b:2/m?sentinelPassword=other'),
    'redis-sentinel://:***@a:1,b:2/m?sentinelPassword=***',
  )
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

test('a cluster that does not serve all slots is refused, saying so', async (t) => {
  const [port = 0, bus = 0] = await freePorts(2)
  const server = redisServer(
    () => ({ port: String(port), 'cluster-enabled': 'yes', 'cluster-port': String(bus), save: '' }),
    () => port,
  )
  await server.start()
  t.teardown(() => server.remove())
  const error = await t.throwsAsync(
    connectRedis(`redis-cluster://127.0.0.1:${port}`, { name: 'test', patience: 3000 }),
  )
  t.regex(error.message, /redis-cluster:.* cannot be used: the cluster does not work: 0 of 16384 slots/)
})

test('sentinels that know no such master, or are not there, are said', async (t) => {
  const [port = 0] = await freePorts(1)
  const error = await t.throwsAsync(
    connectRedis(`redis-sentinel://127.0.0.1:${port}/main`, { name: 'test', patience: 1000 }),
  )
  t.regex(error.message, /redis-sentinel:.* cannot be used: .*sentinel/)
})

test('TLS: rediss:// trusts who the machine trusts', async (t) => {
  if (!hasProgram('openssl')) {
    t.log('Not run: openssl is not installed.')
    t.pass()
    return
  }
  const [port = 0] = await freePorts(1)
  const server = redisServer(
    (folder) => ({
      port: '0',
      'tls-port': String(port),
      'tls-cert-file': join(folder, 'cert.pem'),
      'tls-key-file': join(folder, 'key.pem'),
      'tls-ca-cert-file': join(folder, 'cert.pem'),
      'tls-auth-clients': 'no',
      unixsocket: join(folder, 'redis.sock'),
      save: '',
    }),
    (folder) => join(folder, 'redis.sock'),
  )
  t.teardown(() => server.remove())
  const [key, cert] = [join(server.folder, 'key.pem'), join(server.folder, 'cert.pem')]
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
  const made = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', cert]
  await runProgram('openssl', [...made, ...subject])
  await server.start()
  const settings = { REDIS_URL: `rediss://localhost:${port}`, DATA_DIR: server.folder }
  const trusted = await runCli(['user', 'list'], { ...settings, NODE_EXTRA_CA_CERTS: cert })
  t.is(trusted.code, 0, trusted.stderr)
  const doubted = await runCli(['user', 'list'], settings)
  t.is(doubted.code, 1)
  t.regex(doubted.stderr, /rediss:.* cannot be used: .*self-signed/)
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
