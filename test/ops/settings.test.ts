import test from 'ava'
import { Command } from 'commander'
import { type ServeConfig, serveConfig, withServeSettings } from '../../src/config.js'
import { cleanEnvironment } from '../support/cli.js'

/** Parses as `serve` would; where that refuses, raises what the user would read. */
function parse(args: readonly string[], settings: Readonly<Record<string, string>> = {}): ServeConfig {
  const before = process.env
  process.env = cleanEnvironment(settings)
  let said = ''
  const command = withServeSettings(new Command('serve'))
    .exitOverride()
    .configureOutput({
      writeErr: (text) => {
        said += text
      },
    })
  try {
    command.parse(args, { from: 'user' })
    return serveConfig(command)
  } catch {
    throw new Error(said)
  } finally {
    process.env = before
  }
}

test.serial('defaults', (t) => {
  t.deepEqual(parse([]), {
    host: '127.0.0.1',
    port: 8080,
    workers: 1,
    corsOrigins: [],
    fetchAllow: [],
    s3Downloads: 'served',
    davDepth: 'infinity',
    logLevel: 'info',
    accessLog: 'off',
    metricsHost: '127.0.0.1',
    trustProxy: [],
    drainWait: 0,
    freedGrace: 600,
    journalKeep: 100_000,
    dataDir: `${process.cwd()}/data`,
    durability: 'full',
    redisWait: 0,
  })
})

test.serial('a flag rules over its variable, and an empty variable is an unset one', (t) => {
  const config = parse(['--port', '81'], { PORT: '80', HOST: '', REDIS_URL: '', CORS_ORIGINS: '' })
  t.like(config, { port: 81, host: '127.0.0.1', redisUrl: undefined, corsOrigins: [] })
})

test.serial('values as they are used', (t) => {
  t.like(
    parse([], {
      PUBLIC_URL: 'https://files.example.org/',
      CORS_ORIGINS: 'https://a.example, http://localhost:3000',
      S3_BUCKET: 'bytes/a/b',
      S3_REGION: 'eu-north-1',
      REDIS_URL: 'redis+unix:///run/redis.sock',
      SMTP_URL: 'smtp://user:secret@mail.example.org:587',
      MAIL_FROM: 'files@example.org',
      DAV_DEPTH: '1',
      REDIS_WAIT: '2',
      WORKERS: '2',
    }),
    {
      publicUrl: 'https://files.example.org',
      corsOrigins: ['https://a.example', 'http://localhost:3000'],
      s3: { bucket: 'bytes', prefix: 'a/b/', region: 'eu-north-1' },
      redisUrl: 'redis+unix:///run/redis.sock',
      smtpUrl: 'smtp://user:secret@mail.example.org:587',
      mailFrom: 'files@example.org',
      davDepth: '1',
      redisWait: 2,
      workers: 2,
    },
  )
})

const REFUSED: Readonly<Record<string, readonly string[]>> = {
  PORT: ['http', '65536', '-1', '80.5', '0x50'],
  WORKERS: ['0', '257', 'two', '1.5'],
  HOST: ['http://localhost', 'localhost:80', 'a b'],
  REDIS_URL: [
    'http://localhost',
    'localhost:6379',
    'redis.sock',
    'redis-cluster://a',
    'redis-sentinel://a:1',
  ],
  REDIS_WAIT: ['all', '10', '-1'],
  DURABILITY: ['none', 'FULL'],
  PUBLIC_URL: ['files.example.org', 'ftp://files.example.org', 'https://files.example.org/?a=b'],
  FETCH_ALLOW: ['10.0.0.0/33', '10.0.0.0/8,', 'internal.example'],
  CORS_ORIGINS: ['example.org', 'https://example.org/path', 'https://a.example,,'],
  LOG_LEVEL: ['loud'],
  SMTP_URL: ['mail.example.org', 'http://mail.example.org', 'smtp://'],
  MAIL_FROM: ['nobody', 'a b@example.org'],
  S3_DOWNLOADS: ['presigned'],
  S3_BUCKET: ['Big', 'a/b', 'bytes/', 'bytes/a//b', 'bytes/ä'],
  S3_ENDPOINT: ['localhost:9000'],
}
for (const [name, values] of Object.entries(REFUSED)) {
  test.serial(`${name} is checked, and the message names it and the value`, (t) => {
    for (const value of values) {
      const error = t.throws(() => parse([], { [name]: value }), undefined, value)
      t.true(error?.message.includes(name), error?.message)
      t.true(error?.message.includes(`'${value}'`), error?.message)
    }
  })
}

test.serial('S3 settings without a bucket are refused', (t) => {
  const error = t.throws(() => parse([], { S3_ENDPOINT: 'http://localhost:9000' }))
  t.regex(error?.message ?? '', /S3_BUCKET/)
  const direct = t.throws(() => parse([], { S3_DOWNLOADS: 'direct' }))
  t.regex(direct?.message ?? '', /S3_BUCKET/)
})
