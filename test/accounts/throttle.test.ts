import test from 'ava'
import { Directory } from '../../src/accounts/directory.js'
import { addressBucket, Throttle } from '../../src/accounts/throttle.js'
import { SpaceError } from '../../src/space/errors.js'
import { testRedis } from '../support/redis.js'
import { refuses, somebody } from './fixture.js'

const server = await testRedis()
const redis = await server.connect()
const hour = (failures: number) => ({ failures, seconds: 3600 })
const limits = {
  tokenByAddress: hour(3),
  invitationByAddress: hour(2),
  passwordByAddress: hour(4),
  passwordByAccount: hour(6),
}
const throttle = new Throttle(redis, limits)
const otherProcess = new Throttle(await server.connect(), limits)
const wrong = async () => undefined
test.after.always(() => server.stop())

test('wrong tokens of one address are answered 429 after a while, on every process, other addresses not', async (t) => {
  await throttle.failedToken('192.0.2.1')
  await otherProcess.failedToken('192.0.2.1')
  await throttle.failedToken('::ffff:192.0.2.1')
  const error = await refuses(t, 'TOO_MANY_REQUESTS', /tokens .* in \d+ seconds/, () =>
    otherProcess.failedToken('192.0.2.1'),
  )
  const retryAfter = error.details.retryAfter as number
  t.true(Number.isInteger(retryAfter) && retryAfter > 0 && retryAfter <= 1200)
  await throttle.failedToken('192.0.2.2')
  await throttle.failedInvitation('192.0.2.1')
})

test('a valid token works from an address whose failures are refused', async (t) => {
  const directory = new Directory(redis)
  const { token } = await somebody(directory)
  for (let i = 0; i < 3; i++) await throttle.failedToken('192.0.2.3')
  await t.throwsAsync(throttle.failedToken('192.0.2.3'), { instanceOf: SpaceError })
  t.truthy((await directory.load(token)).session)
})

test('invitation tokens have a limit of their own', async (t) => {
  await throttle.failedInvitation('2001:db8::1')
  await throttle.failedInvitation('2001:db8::2')
  await refuses(t, 'TOO_MANY_REQUESTS', /invitation tokens/, () => throttle.failedInvitation('2001:db8::3'))
})

test('wrong passwords are limited by address, whatever the account', async (t) => {
  for (let i = 0; i < 4; i++) t.is(await throttle.password('192.0.2.4', `any-${i}`, wrong), undefined)
  let asked = false
  await refuses(t, 'TOO_MANY_REQUESTS', /passwords/, () =>
    otherProcess.password('192.0.2.4', 'any-4', async () => {
      asked = true
      return 'right'
    }),
  )
  t.false(asked)
})

test('wrong passwords are limited by account, whatever the address, also where there is no such account', async (t) => {
  for (let i = 0; i < 6; i++) await throttle.password(`198.51.100.${i}`, 'alice', wrong)
  await refuses(t, 'TOO_MANY_REQUESTS', /passwords/, () => throttle.password('198.51.100.9', 'alice', wrong))
  t.is(await throttle.password('198.51.100.9', 'bob', async () => 'right'), 'right')
})

test('guesses made at once are counted at once', async (t) => {
  let checked = 0
  const guess = () =>
    throttle.password('192.0.2.5', 'carol', async () => {
      checked++
      return undefined
    })
  await Promise.allSettled(Array.from({ length: 30 }, guess))
  t.is(checked, 4)
})

test('right passwords, and checks that could not be made, do not count', async (t) => {
  for (let i = 0; i < 10; i++) {
    t.is(await throttle.password('192.0.2.6', 'dave', async () => 'right'), 'right')
    await t.throwsAsync(
      throttle.password('192.0.2.6', 'dave', async () => {
        throw new Error('down')
      }),
      { message: 'down' },
    )
  }
  t.is(await throttle.password('192.0.2.6', 'dave', wrong), undefined)
})

test('time heals', async (t) => {
  const quick = new Throttle(redis, { tokenByAddress: { failures: 1, seconds: 0.1 } })
  const failed = () =>
    quick.failedToken('192.0.2.7').then(
      () => true,
      () => false,
    )
  while (await failed());
  while (!(await failed()));
  t.pass()
})

test('one subscriber is one bucket', (t) => {
  t.is(addressBucket('192.0.2.1'), '192.0.2.1')
  t.is(addressBucket('::FFFF:192.0.2.1'), '192.0.2.1')
  t.is(addressBucket('2001:DB8:0:1:2:3:4:5'), '2001:db8:0:1')
  t.is(addressBucket('2001:db8::1'), '2001:db8:0:0')
  t.is(addressBucket('2001:0db8:0000:0001::'), '2001:db8:0:1')
  t.is(addressBucket('fe80::1%eth0'), 'fe80:0:0:0')
  t.is(addressBucket('::1'), '0:0:0:0')
  t.is(addressBucket(''), 'local')
  t.is(addressBucket('/tmp/a.sock'), 'local')
})
