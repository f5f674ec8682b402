import test from 'ava'
import { Directory } from '../../src/accounts/directory.js'
import { Passwords } from '../../src/accounts/passwords.js'
import { testRedis } from '../support/redis.js'
import { freshName, refuses } from './fixture.js'

const server = await testRedis()
const directory = new Directory(await server.connect())
test.after.always(() => server.stop())

test('only the right password of the right account opens it', async (t) => {
  const name = freshName()
  const account = await directory.createAccount({ name, password: 'Grüße an alle' })
  t.deepEqual(await directory.checkPassword(name, 'Grüße an alle'), account)
  t.deepEqual(await directory.checkPassword(name, 'Grüße an alle'.normalize('NFD')), account)
  for (const wrong of ['', 'grüße an alle', 'Grüße an alle ', 'x'.repeat(10_000)]) {
    t.is(await directory.checkPassword(name, wrong), undefined)
  }
  for (const nobody of ['nobody', '', 'Not A Name']) {
    t.is(await directory.checkPassword(nobody, 'Grüße an alle'), undefined)
  }
})

test('an account without password is opened by none', async (t) => {
  const name = freshName()
  await directory.createAccount({ name })
  t.is(await directory.checkPassword(name, ''), undefined)
  await directory.setAccount(name, { password: 'open sesame' })
  t.truthy(await directory.checkPassword(name, 'open sesame'))
  await directory.setAccount(name, { password: 'another one' })
  t.is(await directory.checkPassword(name, 'open sesame'), undefined)
  await directory.setAccount(name, { password: null })
  t.is(await directory.checkPassword(name, 'another one'), undefined)
})

test('the same password is stored differently each time', async (t) => {
  const passwords = new Passwords()
  const [one, two] = await Promise.all([passwords.hash('open sesame'), passwords.hash('open sesame')])
  t.not(one, two)
  t.regex(one, /^scrypt\$15\$8\$3\$/)
  t.true(await passwords.matches('open sesame', one))
  t.false(await passwords.matches('open sesame', undefined))
})

test('too many checks at once are turned away, the others are done', async (t) => {
  const passwords = new Passwords({ log2N: 4, r: 1, p: 1 })
  const encoded = await passwords.hash('open sesame')
  const checks = Array.from({ length: 60 }, () => passwords.matches('open sesame', encoded))
  const results = await Promise.allSettled(checks)
  t.is(results.filter((result) => result.status === 'fulfilled' && result.value).length, 50)
  const error = await refuses(t, 'TOO_MANY_REQUESTS', /being checked/, () => checks[59] as Promise<boolean>)
  t.is(error.details.retryAfter, 5)
  t.true(await passwords.matches('open sesame', encoded))
})
