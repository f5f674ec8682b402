import test from 'ava'
import { Directory } from '../../src/accounts/directory.js'
import { hashToken } from '../../src/accounts/ids.js'
import { testRedis } from '../support/redis.js'
import { refuses, somebody } from './fixture.js'

const server = await testRedis({ settings: { rdbcompression: 'no' } })
const redis = await server.connect()
const directory = new Directory(redis)
test.after.always(() => server.stop())

test('a token opens its account, and says which one it is', async (t) => {
  const { account } = await somebody(directory)
  const made = await directory.createToken(account.id, { name: 'my laptop', description: 'at home\nor not' })
  t.regex(made.token, /^nbt-[a-z2-7]{40}$/)
  const { session } = await directory.load(made.token)
  t.deepEqual(session?.account, account)
  t.deepEqual(session?.caller, { accountId: account.id })
  t.deepEqual(session?.token, { id: made.id, name: 'my laptop' })
})

test('anything else opens nothing', async (t) => {
  const { token } = await somebody(directory)
  for (const wrong of [
    undefined,
    '',
    'nbt-',
    token.slice(0, -1),
    `${token}a`,
    token.toUpperCase(),
    hashToken(token),
    'x'.repeat(100_000),
  ]) {
    t.deepEqual(await directory.load(wrong), {})
  }
})

test('names of tokens are unique by a number at their end', async (t) => {
  const { account } = await somebody(directory)
  const names = await Promise.all(
    [1, 2, 3].map(async () => (await directory.createToken(account.id, { name: 'laptop' })).name),
  )
  t.deepEqual(names.sort(), ['laptop', 'laptop-2', 'laptop-3'])
})

for (const name of ['', 'a/b', 'a\nb', '\u0000', 'a'.repeat(129), '\ud800']) {
  test(`${JSON.stringify(name.slice(0, 10))} cannot be the name of a token`, async (t) => {
    const { account } = await somebody(directory)
    await refuses(t, 'BAD_NAME', /cannot be the name of a token/, () =>
      directory.createToken(account.id, { name }),
    )
  })
}

test('a description has an end', async (t) => {
  const { account } = await somebody(directory)
  await refuses(t, 'BAD_REQUEST', /description .* longer than/, () =>
    directory.createToken(account.id, { description: 'x'.repeat(5000) }),
  )
})

test('tokens are listed without their values, oldest first', async (t) => {
  const { account, token } = await somebody(directory)
  const second = await directory.createToken(account.id, { name: 'second', description: 'for the robot' })
  const listed = await directory.listTokens(account.id)
  t.deepEqual(
    listed.map(({ name, description }) => [name, description]),
    [
      ['token', ''],
      ['second', 'for the robot'],
    ],
  )
  t.is(listed[1]?.id, second.id)
  t.false(JSON.stringify(listed).includes(token.slice(4)))
})

test('a revoked token is dead with the next request, the others live', async (t) => {
  const { account, token } = await somebody(directory)
  const byId = await directory.createToken(account.id)
  const byName = await directory.createToken(account.id, { name: 'phone' })
  t.is(await directory.revokeToken(account.id, byId.id), byId.id)
  t.is(await directory.revokeToken(account.id, 'phone'), byName.id)
  t.is((await directory.load(byId.token)).session, undefined)
  t.is((await directory.load(byName.token)).session, undefined)
  t.truthy((await directory.load(token)).session)
  t.deepEqual(
    (await directory.listTokens(account.id)).map(({ name }) => name),
    ['token'],
  )
})

test('only tokens of one’s own are revoked', async (t) => {
  const { account } = await somebody(directory)
  const { account: other, token } = await somebody(directory)
  const [theirs] = await directory.listTokens(other.id)
  await refuses(t, 'NOT_FOUND', /'gone'/, () => directory.revokeToken(account.id, 'gone'))
  await refuses(t, 'NOT_FOUND', /There is no token/, () =>
    directory.revokeToken(account.id, theirs?.id as string),
  )
  t.truthy((await directory.load(token)).session)
})

test('Redis holds the hash of a token, and nowhere its value', async (t) => {
  const { account } = await somebody(directory)
  const password = 'correct horse battery staple'
  await directory.setAccount(account.name, { password })
  const { token } = await directory.createToken(account.id, { name: 'secret', description: 'hush' })
  const keys = await redis.keys('*')
  const dumps = await Promise.all(keys.map((key) => redis.dumpBuffer(key)))
  const everything = Buffer.concat([
    ...keys.map((key) => Buffer.from(key)),
    ...dumps.filter((dump) => dump !== null),
  ])
  t.true(everything.includes(hashToken(token)))
  t.true(everything.includes('hush'))
  t.false(everything.includes(token.slice(4)))
  t.false(everything.includes(password))
})
