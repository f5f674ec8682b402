import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import test from 'ava'
import fc from 'fast-check'
import type { Redis } from 'ioredis'
import { type ScriptArg, Scripts } from '../../src/redis/scripts.js'
import { type TestRedis, testRedis } from '../support/redis.js'

let server: TestRedis
let redis: Redis
const folder = mkdtempSync(join(tmpdir(), 'novem-scripts-'))

test.before(async () => {
  writeFileSync(join(folder, '_part.lua'), 'local function all() return { KEYS, ARGV } end\n')
  writeFileSync(join(folder, 'echo.lua'), '--@include part\n--@include part\nreturn all()\n')
  writeFileSync(join(folder, 'refuse.lua'), "return redis.error_reply('NVM NO ' .. ARGV[1])\n")
  server = await testRedis()
  redis = await server.connect()
})
test.after.always(async () => {
  await server.stop()
  rmSync(folder, { recursive: true, force: true })
})

function scripts(): Scripts {
  return new Scripts(redis, pathToFileURL(`${folder}/`))
}

async function echo(keys: readonly string[], args: readonly ScriptArg[]) {
  return (await scripts().run('echo', keys, args)) as unknown as readonly [Buffer[], Buffer[]]
}

test('whatever is given arrives byte for byte', async (t) => {
  const arg = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 200 }),
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    fc.maxSafeInteger(),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(arg, { maxLength: 40 }), async (args) => {
      const [keys, got] = await echo(['{k}:ä'], args)
      t.is(String(keys[0]), '{k}:ä')
      const wanted = args.map((given) => Buffer.from(Buffer.isBuffer(given) ? given : String(given)))
      t.deepEqual(got, wanted)
    }),
    { numRuns: 200 },
  )
})

test('arguments larger than the shared memory, beside small ones in flight', async (t) => {
  const large = 'x'.repeat(200_000)
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, n) => echo(['{k}'], [n, n % 50 === 0 ? large : 'ü'.repeat(n), n])),
  )
  for (const [n, [, got]] of answers.entries()) {
    t.is(String(got[0]), String(n))
    t.is(String(got[1]), n % 50 === 0 ? large : 'ü'.repeat(n))
  }
})

test('a Redis that forgot its scripts is told again', async (t) => {
  const known = scripts()
  await known.run('echo', ['{k}'], [])
  await redis.script('FLUSH')
  const answers = await Promise.all([known.run('echo', ['{k}'], ['a']), known.run('echo', ['{k}'], ['b'])])
  t.deepEqual(answers.map(String), ['{k},a', '{k},b'])
})

test('what a script refuses with is passed on', async (t) => {
  await t.throwsAsync(scripts().run('refuse', ['{k}'], ['reason']), { message: 'NVM NO reason' })
})
