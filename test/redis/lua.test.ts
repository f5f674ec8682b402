import { readdirSync } from 'node:fs'
import test from 'ava'
import { lean } from '../../src/redis/lua.js'
import { Scripts, scriptsFolder } from '../../src/redis/scripts.js'
import { testRedis } from '../support/redis.js'

/** Without empty lines. */
function shown(source: string): string[] {
  return lean(source)
    .split('\n')
    .filter((line) => line.trim() !== '')
}

test('constants and library functions stand where their names did', (t) => {
  const source = `
local call, pack = redis.call, struct.pack
local NAME, FORM = 16, '>I5' -- flags
return call('SET', KEYS[1], pack(FORM, NAME))`
  t.deepEqual(shown(source), ["return redis.call('SET', KEYS[1], struct.pack('>I5', 16))"])
})

test('strings, fields and methods that look like a constant are left alone', (t) => {
  const source = `
local NAME = 16
local t = { a = 'NAME', b = "NAME" }
return t.NAME or t:NAME(NAME)`
  t.deepEqual(shown(source), ['local t = { a = \'NAME\', b = "NAME" }', 'return t.NAME or t:NAME(16)'])
})

test('variables stay: what is given a value again, or is not the same at every call', (t) => {
  const lines = [
    'local count, last = 0, 1',
    'count = count + 1',
    'local first = ARGV[1]',
    'return count + last + first',
  ]
  t.deepEqual(shown(lines.join('\n')), lines)
})

test('functions that nothing calls are left out, and then those that only they called', (t) => {
  const source = `
local function used(a) return a end
local function deep(a) return a + 1 end
-- deep is called below
local function unused(a)
  if a then
    return deep(a)
  end

  return false
end
return used(ARGV[1])`
  t.deepEqual(shown(source), ['local function used(a) return a end', 'return used(ARGV[1])'])
})

test('comments of both kinds go, and what looks like one in a string stays', (t) => {
  const source = `--[[ long
comment ]]
-- short
return 'a -- b' -- behind`
  t.deepEqual(shown(source), ["return 'a -- b' "])
})

test('every script of ours compiles', async (t) => {
  const server = await testRedis()
  t.teardown(() => server.stop())
  const redis = await server.connect()
  for (const room of ['space', 'accounts', 'sharing']) {
    const folder = scriptsFolder(new URL('../../src/redis/scripts.js', import.meta.url).href, room)
    const scripts = new Scripts(redis, folder)
    for (const file of readdirSync(folder)) {
      if (file.startsWith('_') || !file.endsWith('.lua')) continue
      const hash = await redis.script('LOAD', scripts.source(file.slice(0, -'.lua'.length)))
      t.regex(String(hash), /^[0-9a-f]{40}$/, `${room}/${file}`)
    }
  }
})
