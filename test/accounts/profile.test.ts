import test from 'ava'
import { Directory } from '../../src/accounts/directory.js'
import { testRedis } from '../support/redis.js'
import { refuses, somebody } from './fixture.js'

const server = await testRedis()
const directory = new Directory(await server.connect())
test.after.always(() => server.stop())

test('what was written is read, and what was cleared is at its default', async (t) => {
  const { account } = await somebody(directory)
  t.deepEqual(await directory.readProfile(account.id), { account, files: {} })
  await directory.writeProfile(account.id, 'name', 'Ann  Ähnlich\n')
  await directory.writeProfile(account.id, 'bio', '')
  const { files } = await directory.readProfile(account.id)
  t.is(files.name?.text, 'Ann  Ähnlich\n')
  t.is(files.bio?.text, '')
  t.is(typeof files.name?.modified, 'number')
  await directory.writeProfile(account.id, 'name', null)
  t.deepEqual(Object.keys((await directory.readProfile(account.id)).files), ['bio'])
})

test('`public` is yes or no, and the account is what it says', async (t) => {
  const { account, token } = await somebody(directory)
  const isPublic = async () => (await directory.load(token)).session?.account.public
  await directory.writeProfile(account.id, 'public', 'yes\n')
  t.true(await isPublic())
  t.is((await directory.readProfile(account.id)).files.public?.text, 'yes')
  await refuses(t, 'BAD_REQUEST', /'maybe'/, () => directory.writeProfile(account.id, 'public', 'maybe'))
  t.true(await isPublic())
  await directory.writeProfile(account.id, 'public', null)
  t.false(await isPublic())
  t.is((await directory.readProfile(account.id)).files.public, undefined)
  await directory.setAccount(account.name, { public: true })
  t.is((await directory.readProfile(account.id)).files.public?.text, 'yes')
})

test('a text has an end, and an account', async (t) => {
  const { account } = await somebody(directory)
  await refuses(t, 'BAD_REQUEST', /'bio' is longer than 4096 bytes/, () =>
    directory.writeProfile(account.id, 'bio', 'ä'.repeat(2049)),
  )
  await refuses(t, 'NOT_FOUND', /account/, () => directory.writeProfile('nobody', 'bio', 'x'))
  await refuses(t, 'NOT_FOUND', /account/, () => directory.readProfile('nobody'))
})

test('a write with the same Idempotency-Key happens once', async (t) => {
  const { account } = await somebody(directory)
  const options = { idempotencyKey: 'k' }
  await directory.writeProfile(account.id, 'bio', 'first', options)
  await directory.writeProfile(account.id, 'bio', 'second')
  await directory.writeProfile(account.id, 'bio', 'first', options)
  t.is((await directory.readProfile(account.id)).files.bio?.text, 'second')
})
