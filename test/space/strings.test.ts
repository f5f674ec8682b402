import test from 'ava'
import { unpackStrings } from '../../src/space/strings.js'
import { testRedis } from '../support/redis.js'

test('lists of every size, of strings of every length, come back as Redis packed them', async (t) => {
  const server = await testRedis()
  t.teardown(() => server.stop())
  const redis = await server.connect()
  const pack = (strings: readonly Buffer[]) =>
    redis.callBuffer('EVAL', 'return cmsgpack.pack(ARGV)', 0, ...strings) as Promise<Buffer>
  for (const lengths of [
    [],
    [0],
    [1, 31, 32, 255, 256, 65_535, 65_536, 0],
    Array.from({ length: 15 }, (_, n) => n),
    Array.from({ length: 16 }, (_, n) => n),
    Array.from({ length: 4000 }, (_, n) => n % 100),
  ]) {
    const strings = lengths.map((length, n) => Buffer.alloc(length, n % 256))
    const found = unpackStrings(await pack(strings)).map(({ bytes, start, end }) =>
      bytes.subarray(start, end),
    )
    t.deepEqual(found, strings, `lengths ${lengths.slice(0, 10)}`)
  }
})

test('what a hash does not have is an empty string', async (t) => {
  const server = await testRedis()
  t.teardown(() => server.stop())
  const redis = await server.connect()
  await redis.hset('hash', 'b', 'x')
  const packed = await redis.callBuffer(
    'EVAL',
    `return cmsgpack.pack(redis.call('HMGET', 'hash', 'a', 'b', 'c'))`,
    0,
  )
  const found = unpackStrings(packed as Buffer)
  t.deepEqual(
    found.map(({ bytes, start, end }) => bytes.toString('utf8', start, end)),
    ['', 'x', ''],
  )
})

test('what is no packed list of strings is refused, with the place', (t) => {
  t.throws(() => unpackStrings(Buffer.from([0xa1, 0x61])), { message: /begins with 161/ })
  t.throws(() => unpackStrings(Buffer.from([0x92, 0xa1, 0x61, 0xc3])), { message: /^Byte 3 .* is 195/ })
})
