import test from 'ava'
import { Directory } from '../../src/accounts/directory.js'
import { planTable } from '../../src/accounts/plans.js'
import { testRedis } from '../support/redis.js'
import { freshName, makeSpace, refuses, somebody } from './fixture.js'

const server = await testRedis()
const directory = new Directory(await server.connect())
const otherProcess = new Directory(await server.connect())
test.after.always(() => server.stop())

async function states(ids: readonly string[]): Promise<string[]> {
  const found = new Map<string, string>()
  for await (const space of directory.allSpaces()) found.set(space.id, space.state)
  return ids.map((id) => found.get(id) ?? 'unknown')
}

test('a space is found by owner and name, by the caller’s own name for it, and by shortname', async (t) => {
  const { account, token } = await somebody(directory)
  const stranger = await somebody(directory)
  const { id, shortname } = await directory.reserveSpace(account.id, 'data')
  await directory.confirmSpace(id)
  t.regex(id, /^[a-z0-9]{12}$/)
  t.regex(shortname, /^[a-z0-9]{5}$/)
  const seen = { id, name: 'data', shortname, owner: account }
  const owned = { ...seen, access: 'o' } as const
  t.deepEqual((await directory.load(token, { name: 'data' })).space, owned)
  t.deepEqual((await directory.load(token, { owner: account.name, name: 'data' })).space, owned)
  t.deepEqual((await directory.load(token, { shortname })).space, owned)
  t.deepEqual((await directory.load(undefined, { owner: account.name, name: 'data' })).space, seen)
  const others = await directory.load(stranger.token, { shortname })
  t.deepEqual(others.space, seen)
  t.is(others.session?.account.id, stranger.account.id)
})

test('what is not there is absent', async (t) => {
  const { account, token } = await somebody(directory)
  for (const target of [
    { name: 'data' },
    { owner: account.name, name: 'data' },
    { owner: 'nobody-at-all', name: 'data' },
    { owner: 'Not A Name', name: 'data' },
    { name: 'not/a name' },
    { name: '' },
    { owner: '', name: 'data' },
    { shortname: 'zzzzz' },
    { shortname: '' },
  ]) {
    const loaded = await directory.load(token, target)
    t.is(loaded.space, undefined)
    t.truthy(loaded.session)
  }
  t.deepEqual(await directory.load(undefined, { name: 'data' }), {})
})

test('a reserved space is found and listed when it is confirmed, not before', async (t) => {
  const { account, token } = await somebody(directory)
  const { id, shortname } = await directory.reserveSpace(account.id, 'data')
  t.is((await directory.load(token, { name: 'data' })).space, undefined)
  t.is((await directory.load(token, { shortname })).space, undefined)
  t.deepEqual(await directory.listSpaces(account.id), [])
  t.deepEqual(await states([id]), ['making'])
  await directory.confirmSpace(id)
  t.like(await directory.listSpaces(account.id), [{ id, name: 'data', shortname }])
  t.deepEqual(await states([id]), ['ready'])
})

test('concurrent reservations never pass the plan', async (t) => {
  const { account } = await somebody(directory, { plan: 'basic' })
  const results = await Promise.allSettled(
    Array.from({ length: 40 }, async (_, i) =>
      (i % 2 ? directory : otherProcess).reserveSpace(account.id, `space-${i}`),
    ),
  )
  const made = results.filter(({ status }) => status === 'fulfilled')
  t.is(made.length, 5)
  for (const result of results) {
    if (result.status === 'rejected') {
      t.like(result.reason, { code: 'TOO_MANY_SPACES' })
      t.regex(result.reason.message, /'space-\d+' .* plan 'basic' allows 5 spaces/)
    }
  }
})

test('a plan changed at run time counts for the next space; what is over it stays', async (t) => {
  const { account } = await somebody(directory)
  await makeSpace(directory, account.id, 'one')
  await refuses(t, 'TOO_MANY_SPACES', /'free' allows 1 space\./, () =>
    makeSpace(directory, account.id, 'two'),
  )
  await otherProcess.setAccount(account.name, { plan: 'basic' })
  await makeSpace(directory, account.id, 'two')
  await otherProcess.setAccount(account.name, { plan: 'free' })
  await refuses(t, 'TOO_MANY_SPACES', /'free'/, () => makeSpace(directory, account.id, 'three'))
  t.is((await directory.listSpaces(account.id)).length, 2)
})

test('the operator’s limits replace the table’s', async (t) => {
  const tight = new Directory(await server.connect(), {
    plans: planTable({ free: { spaces: 0, spaceBytes: 9 } }),
  })
  const { account } = await somebody(tight)
  t.is(account.plan.spaceBytes, 9)
  await refuses(t, 'TOO_MANY_SPACES', /'free' allows 0 spaces/, () => tight.reserveSpace(account.id, 'one'))
})

test('a name is taken once, whoever comes first', async (t) => {
  const { account } = await somebody(directory, { plan: 'premium' })
  const make = async (on: Directory) => makeSpace(on, account.id, 'data')
  const results = await Promise.allSettled([directory, otherProcess, directory, otherProcess].map(make))
  t.is(results.filter(({ status }) => status === 'fulfilled').length, 1)
  for (const result of results) {
    if (result.status === 'rejected') t.like(result.reason, { code: 'EXISTS' })
  }
  t.is((await directory.listSpaces(account.id)).length, 1)
  await refuses(t, 'EXISTS', /'data'/, () => directory.reserveSpace(account.id, 'data'))
})

test('names are names', async (t) => {
  const { account } = await somebody(directory)
  await refuses(t, 'BAD_NAME', /'My Data' cannot be the name of a space/, () =>
    directory.reserveSpace(account.id, 'My Data'),
  )
  await makeSpace(directory, account.id, 'data')
  await refuses(t, 'BAD_NAME', /'~'/, () => directory.renameSpace(account.id, 'data', '~'))
})

test('a space whose maker died is finished by the next who wants it', async (t) => {
  const { account } = await somebody(directory)
  const dead = await directory.reserveSpace(account.id, 'data')
  const next = await otherProcess.reserveSpace(account.id, 'data')
  t.deepEqual(next, dead)
  await otherProcess.confirmSpace(next.id)
  await refuses(t, 'EXISTS', /exists already/, () => directory.confirmSpace(dead.id))
})

test('or it is given up: the name is free, and a late maker is told', async (t) => {
  const { account } = await somebody(directory)
  const dead = await directory.reserveSpace(account.id, 'data')
  t.true(await directory.abandonSpace(dead.id))
  t.true(await directory.abandonSpace(dead.id))
  t.deepEqual(await states([dead.id]), ['dying'])
  const next = await directory.reserveSpace(account.id, 'data')
  t.not(next.id, dead.id)
  await refuses(t, 'NOT_FOUND', /deleted while it was being created/, () => directory.confirmSpace(dead.id))
  await directory.confirmSpace(next.id)
  t.false(await directory.abandonSpace(next.id))
  t.false(await directory.abandonSpace('unknown'))
  t.deepEqual(await states([next.id]), ['ready'])
})

test('the same Idempotency-Key gets the first answer, also when the space has gone since', async (t) => {
  const { account } = await somebody(directory)
  const put = { idempotencyKey: 'again and again' }
  const first = await directory.reserveSpace(account.id, 'data', put)
  t.false(first.done)
  t.deepEqual(await otherProcess.reserveSpace(account.id, 'data', put), first)
  await directory.confirmSpace(first.id)
  t.deepEqual(await otherProcess.reserveSpace(account.id, 'data', put), { ...first, done: true })
  const drop = { idempotencyKey: 'and again' }
  t.is(await directory.dropSpace(account.id, 'data', drop), first.id)
  t.is(await otherProcess.dropSpace(account.id, 'data', drop), first.id)
  t.deepEqual(await directory.reserveSpace(account.id, 'data', put), { ...first, done: true })
  t.deepEqual(await directory.listSpaces(account.id), [])
  await refuses(t, 'NOT_FOUND', /'data'/, () => directory.dropSpace(account.id, 'data'))
})

test('the first answer is kept where it was a refusal', async (t) => {
  const { account } = await somebody(directory)
  await makeSpace(directory, account.id, 'one')
  const options = { idempotencyKey: 'k' }
  const again = () => directory.reserveSpace(account.id, 'two', options)
  await refuses(t, 'TOO_MANY_SPACES', /'two'/, again)
  await directory.setAccount(account.name, { plan: 'basic' })
  await refuses(t, 'TOO_MANY_SPACES', /'free' allows 1/, again)
  await directory.reserveSpace(account.id, 'two')
})

test('an Idempotency-Key is for one request', async (t) => {
  const { account } = await somebody(directory, { plan: 'basic' })
  const options = { idempotencyKey: 'k' }
  const { id } = await directory.reserveSpace(account.id, 'one', options)
  await directory.confirmSpace(id)
  await refuses(t, 'BAD_REQUEST', /Idempotency-Key/, () => directory.reserveSpace(account.id, 'two', options))
  await refuses(t, 'BAD_REQUEST', /Idempotency-Key/, () => directory.dropSpace(account.id, 'one', options))
  t.like(await directory.listSpaces(account.id), [{ name: 'one' }])
})

test('the same key of another account is another key', async (t) => {
  const [one, two] = [await somebody(directory), await somebody(directory)]
  const options = { idempotencyKey: 'popular' }
  const first = await directory.reserveSpace(one.account.id, 'data', options)
  const second = await directory.reserveSpace(two.account.id, 'data', options)
  t.not(first.id, second.id)
})

test('a rename keeps id and shortname, and frees the old name', async (t) => {
  const { account, token } = await somebody(directory, { plan: 'basic' })
  const id = await makeSpace(directory, account.id, 'old')
  const before = (await directory.load(token, { name: 'old' })).space
  t.is(await directory.renameSpace(account.id, 'old', 'new'), id)
  t.is((await directory.load(token, { name: 'old' })).space, undefined)
  t.deepEqual((await directory.load(token, { name: 'new' })).space, before && { ...before, name: 'new' })
  t.is(await directory.renameSpace(account.id, 'new', 'new'), id)
  const other = await makeSpace(directory, account.id, 'old')
  await refuses(t, 'EXISTS', /'old'/, () => directory.renameSpace(account.id, 'new', 'old'))
  await refuses(t, 'NOT_FOUND', /'gone'/, () => directory.renameSpace(account.id, 'gone', 'x'))
  t.not(other, id)
})

test('a dropped space is out of reach at once, its name and its place in the plan are free', async (t) => {
  const { account, token } = await somebody(directory)
  const id = await makeSpace(directory, account.id, 'data')
  const shortname = (await directory.listSpaces(account.id))[0]?.shortname as string
  t.is(await directory.dropSpace(account.id, 'data'), id)
  t.is((await directory.load(token, { name: 'data' })).space, undefined)
  t.is((await directory.load(token, { shortname })).space, undefined)
  const again = await makeSpace(directory, account.id, 'data')
  t.not(again, id)
  t.deepEqual(await states([id, again]), ['dying', 'ready'])
  await directory.forgetSpace(id)
  await directory.forgetSpace(again)
  t.deepEqual(await states([id, again]), ['unknown', 'ready'])
  t.is((await directory.load(token, { name: 'data' })).space?.id, again)
})

test('only the owner’s own names count', async (t) => {
  const { account } = await somebody(directory)
  const stranger = await somebody(directory)
  await makeSpace(directory, account.id, 'data')
  await refuses(t, 'NOT_FOUND', /'data'/, () => directory.dropSpace(stranger.account.id, 'data'))
  await refuses(t, 'NOT_FOUND', /'data'/, () => directory.renameSpace(stranger.account.id, 'data', 'mine'))
  await makeSpace(directory, stranger.account.id, 'data')
  t.is((await directory.listSpaces(account.id)).length, 1)
})

test('all spaces of all accounts come by, in however many steps, under unique shortnames', async (t) => {
  const many = new Directory(await server.connect(), { plans: planTable({ free: { spaces: 1000 } }) })
  const account = await many.createAccount({ name: freshName() })
  const ids = await Promise.all(
    Array.from({ length: 600 }, (_, i) => makeSpace(many, account.id, `s${String(i).padStart(3, '0')}`)),
  )
  const seen: string[] = []
  for await (const { id, owner } of many.allSpaces()) if (owner === account.name) seen.push(id)
  t.deepEqual([...new Set(seen)].sort(), [...ids].sort())
  const listed = await many.listSpaces(account.id)
  t.deepEqual(
    listed.map(({ id }) => id),
    ids,
  )
  t.is(new Set(listed.map(({ shortname }) => shortname)).size, 600)
})
