import test from 'ava'
import { Directory } from '../../src/accounts/directory.js'
import { testRedis } from '../support/redis.js'
import { freshName, makeSpace, refuses, somebody } from './fixture.js'

const server = await testRedis()
const directory = new Directory(await server.connect())
test.after.always(() => server.stop())

test('a new account has the free plan, the flag, and no address unless said otherwise', async (t) => {
  const name = freshName()
  const made = await directory.createAccount({ name })
  t.like(made, { name, email: '', spacesEnabled: true, public: false, plan: { name: 'free', spaces: 1 } })
  t.deepEqual(await directory.loadAccount(name), made)
  const other = await directory.createAccount({
    name: freshName(),
    email: 'Ann@Example.org',
    plan: 'premium',
    spacesEnabled: false,
    public: true,
  })
  t.like(other, { email: 'Ann@Example.org', spacesEnabled: false, public: true, plan: { spaces: 20 } })
})

test('names and addresses are unique, addresses without regard to case', async (t) => {
  const name = freshName()
  await directory.createAccount({ name, email: `${name}@Example.org` })
  await refuses(t, 'EXISTS', new RegExp(name), () => directory.createAccount({ name }))
  await refuses(t, 'EXISTS', /@EXAMPLE.ORG/, () =>
    directory.createAccount({ name: freshName(), email: `${name.toUpperCase()}@EXAMPLE.ORG` }),
  )
})

for (const name of ['', 'Alice', '-a', '_a', 'a b', 'a/b', 'ä', '@a', 'a'.repeat(129)]) {
  test(`'${name.slice(0, 10)}' cannot be the name of an account`, async (t) => {
    const error = await refuses(t, 'BAD_NAME', /cannot be the name of an account/, () =>
      directory.createAccount({ name }),
    )
    t.true(error.message.includes(`'${name}'`))
  })
}

test('a malformed address, plan or password is refused and named, but no password is ever repeated', async (t) => {
  const name = freshName()
  await refuses(t, 'BAD_REQUEST', /'not an address'/, () =>
    directory.createAccount({ name, email: 'not an address' }),
  )
  await refuses(t, 'BAD_REQUEST', /'gold' is not a plan/, () =>
    directory.createAccount({ name, plan: 'gold' }),
  )
  const error = await refuses(t, 'BAD_REQUEST', /shorter than 8/, () =>
    directory.createAccount({ name, password: 'sesame' }),
  )
  t.false(error.message.includes('sesame'))
  await refuses(t, 'BAD_REQUEST', /longer than 1024 bytes/, () =>
    directory.createAccount({ name, password: 'ä'.repeat(600) }),
  )
  t.is(await directory.loadAccount(name), undefined)
})

test('what the operator sets holds from the next request on', async (t) => {
  const { account, token } = await somebody(directory, { email: 'old@example.org' })
  await directory.setAccount(account.name, { plan: 'basic', spacesEnabled: false, public: true })
  t.like((await directory.load(token)).session?.account, {
    plan: { name: 'basic', spaces: 5 },
    spacesEnabled: false,
    public: true,
    email: 'old@example.org',
  })
  await directory.setAccount(account.name, { email: 'new@example.org' })
  await directory.createAccount({ name: freshName(), email: 'old@example.org' })
  await refuses(t, 'EXISTS', /OLD@example.org/, () =>
    directory.setAccount(account.name, { plan: 'premium', email: 'OLD@example.org' }),
  )
  t.like(await directory.loadAccount(account.name), { email: 'new@example.org', plan: { name: 'basic' } })
  await refuses(t, 'NOT_FOUND', /'nobody'/, () => directory.setAccount('nobody', { plan: 'basic' }))
})

test('an address may be set again by its own account, in another case', async (t) => {
  const { account } = await somebody(directory, { email: 'case@example.org' })
  t.is((await directory.setAccount(account.name, { email: 'Case@example.org' })).email, 'Case@example.org')
  await directory.setAccount(account.name, { email: '' })
  await directory.createAccount({ name: freshName(), email: 'case@example.org' })
  t.pass()
})

test('all accounts are listed by name, in however many steps', async (t) => {
  const names = Array.from({ length: 450 }, () => freshName('listed'))
  await Promise.all(names.map((name) => directory.createAccount({ name })))
  const listed = (await directory.listAccounts()).map(({ name }) => name)
  t.deepEqual(
    listed.filter((name) => name.startsWith('listed-')),
    [...names].sort(),
  )
})

test('a deleted account is gone at once, with its tokens, names, password and address', async (t) => {
  const { account, token } = await somebody(directory, { email: 'gone@example.org', password: 'open sesame' })
  const space = await makeSpace(directory, account.id, 'data')
  await directory.writeProfile(account.id, 'bio', 'was here')
  const shortname = (await directory.listSpaces(account.id))[0]?.shortname as string
  t.deepEqual(await directory.deleteAccount(account.name), { id: account.id, spaces: [space] })
  t.deepEqual(await directory.load(token, { owner: account.name, name: 'data' }), {})
  t.deepEqual(await directory.load(undefined, { shortname }), {})
  t.is(await directory.loadAccount(account.name), undefined)
  t.is(await directory.checkPassword(account.name, 'open sesame'), undefined)
  await refuses(t, 'NOT_FOUND', new RegExp(account.name), () => directory.deleteAccount(account.name))
  await refuses(t, 'NOT_FOUND', /account/, () => directory.createToken(account.id))
  await refuses(t, 'NOT_FOUND', /account/, () => directory.reserveSpace(account.id, 'more'))
})

test('an account made again under the same name inherits nothing', async (t) => {
  const { account, token } = await somebody(directory, { plan: 'basic', email: 'again@example.org' })
  await makeSpace(directory, account.id, 'data')
  await directory.writeProfile(account.id, 'bio', 'the first')
  await directory.deleteAccount(account.name)
  const again = await directory.createAccount({ name: account.name, email: 'again@example.org' })
  t.not(again.id, account.id)
  t.like(again, { plan: { name: 'free' } })
  t.is((await directory.load(token)).session, undefined)
  t.deepEqual(await directory.listSpaces(again.id), [])
  t.deepEqual(await directory.listTokens(again.id), [])
  t.deepEqual((await directory.readProfile(again.id)).files, {})
})

test('the spaces of a deleted account are dying until they are forgotten', async (t) => {
  const { account } = await somebody(directory)
  const id = await makeSpace(directory, account.id, 'data')
  await directory.deleteAccount(account.name)
  const states = async () => {
    const found = []
    for await (const space of directory.allSpaces()) {
      if (space.id === id) found.push([space.state, space.ownerId, space.owner])
    }
    return found
  }
  t.deepEqual(await states(), [['dying', account.id, '']])
  await directory.forgetSpace(id)
  t.deepEqual(await states(), [])
})
