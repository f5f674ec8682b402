import test from 'ava'
import { Directory } from '../../src/accounts/directory.js'
import { organisation, orgGroup, userGroup } from '../../src/sharing/address.js'
import { formatShareTarget, orderLetters, parseShareTarget } from '../../src/sharing/share-target.js'
import { freshName, makeSpace, refuses, somebody } from '../accounts/fixture.js'
import { testRedis } from '../support/redis.js'
import { accessOf, join, owner, team } from './fixture.js'

const server = await testRedis()
const directory = new Directory(await server.connect())
const elsewhere = new Directory(await server.connect('another process'))
const { shares, groups } = directory
test.after.always(() => server.stop())

const shareNames = async (account: string, space: string) =>
  (await shares.list(account, space)).map(({ name }) => name)

test('without letters it is r; letters mean the same in any order', (t) => {
  t.deepEqual(parseShareTarget('@a~b'), { group: userGroup('a', 'b'), letters: 'r' })
  t.deepEqual(parseShareTarget('+a~b~wr'), { group: orgGroup('a', 'b'), letters: 'wr' })
  t.deepEqual(parseShareTarget('public'), { group: 'public', letters: 'r' })
  t.is(formatShareTarget(parseShareTarget('@a~b~r')), '@a~b')
  t.is(formatShareTarget(parseShareTarget('@a~b~rwd')), '@a~b~rwd')
  t.is(orderLetters('dwr'), 'rwd')
  t.is(orderLetters('w'), 'rw')
})

for (const [target, code, message] of [
  ['@smith', 'NOT_ALLOWED', /"@smith" is a single user; a space is shared with a group/],
  ['+acme', 'NOT_ALLOWED', /"\+acme" is a whole organisation/],
  ['@smith~', 'BAD_REQUEST', /nothing to share with/],
  ['@~x', 'BAD_REQUEST', /nothing to share with/],
  ['@', 'BAD_REQUEST', /nothing to share with/],
  ['', 'BAD_REQUEST', /nothing to share with/],
  ['smith~x', 'BAD_REQUEST', /nothing to share with/],
  ['public~rw', 'BAD_REQUEST', /"public~rw" is nothing to share with/],
  ['@smith~x~rw~d', 'BAD_REQUEST', /nothing to share with/],
  ['@smith~x~rxq', 'BAD_REQUEST', /the unknown letters "xq"/],
  ['@smith~x~RW', 'BAD_REQUEST', /the unknown letters "RW"/],
  ['@smith~x~', 'BAD_REQUEST', /no letters/],
] as const) {
  test(`nothing is shared with "${target}"`, async (t) => {
    const alice = await owner(directory)
    await refuses(t, code, message, () => shares.put(alice.account.id, alice.space, target))
    await refuses(t, 'NOT_FOUND', /is not shared with/, () =>
      shares.delete(alice.account.id, alice.space, target),
    )
  })
}

test('a share gives its letters to every accepted member of the group, on every process, until it goes', async (t) => {
  const [alice, bob, invited, stranger] = [
    await owner(directory),
    await somebody(directory),
    await somebody(directory),
    await somebody(directory),
  ]
  const group = await team(directory, alice, 'team', bob)
  await groups.setRole(alice.account.id, group, invited.account.name, 'founders')
  const target = `@${alice.account.name}~team`
  t.is(await accessOf(elsewhere, alice, alice), 'o')
  t.is(await accessOf(elsewhere, bob, alice), undefined)
  for (const [letters, access, done] of [
    ['', 'r', 'created'],
    ['~r', 'r', 'same'],
    ['~rw', 'w', 'changed'],
    ['~wr', 'w', 'same'],
    ['~rwd', 'w', 'changed'],
    ['~rd', 'r', 'changed'],
    ['~w', 'w', 'changed'],
  ] as const) {
    t.is(await shares.put(alice.account.id, alice.space, `${target}${letters}`), done, letters)
    t.is(await accessOf(elsewhere, bob, alice), access, letters)
    t.is(await accessOf(elsewhere, invited, alice), undefined)
    t.is(await accessOf(elsewhere, stranger, alice), undefined)
    t.is(
      (await elsewhere.load(undefined, { owner: alice.account.name, name: 'data' })).space?.access,
      undefined,
    )
  }
  await shares.delete(alice.account.id, alice.space, target)
  t.is(await accessOf(elsewhere, bob, alice), undefined)
  await refuses(t, 'NOT_FOUND', /is not shared with "@/, () =>
    shares.delete(alice.account.id, alice.space, target),
  )
})

test('the best of several shares counts', async (t) => {
  const [alice, bob] = [await owner(directory), await somebody(directory)]
  await team(directory, alice, 'readers', bob)
  await team(directory, alice, 'writers', bob)
  await shares.put(alice.account.id, alice.space, `@${alice.account.name}~readers`)
  await shares.put(alice.account.id, alice.space, `@${alice.account.name}~writers~rw`)
  t.is(await accessOf(directory, bob, alice), 'w')
  await shares.delete(alice.account.id, alice.space, `@${alice.account.name}~writers~rw`)
  t.is(await accessOf(directory, bob, alice), 'r')
})

test('rows bear the target as it was put, without letters when they are just r', async (t) => {
  const alice = await owner(directory)
  const { name, id } = alice.account
  for (const group of ['a', 'b', 'c']) await team(directory, alice, group)
  for (const target of [`@${name}~a~r`, `@${name}~b~wr`, `@${name}~c`])
    await shares.put(id, alice.space, target)
  t.deepEqual(await shareNames(id, alice.space), [`@${name}~a`, `@${name}~b~wr`, `@${name}~c`])
  const [first] = await shares.list(id, alice.space)
  t.true(Math.abs((first?.created ?? 0) - Date.now()) < 60_000)
  t.is((await shares.find(id, alice.space, `@${name}~b`)).name, `@${name}~b~wr`)
  await refuses(t, 'NOT_FOUND', /is not shared with "public"/, () => shares.find(id, alice.space, 'public'))
  await shares.delete(id, alice.space, `@${name}~a~rw`)
  t.deepEqual(await shareNames(id, alice.space), [`@${name}~b~wr`, `@${name}~c`])
})

test('others than the owner see the shares through which they came, and change none', async (t) => {
  const [alice, bob, stranger] = [
    await owner(directory),
    await somebody(directory),
    await somebody(directory),
  ]
  const { name } = alice.account
  await team(directory, alice, 'ours', bob)
  await team(directory, alice, 'secret')
  for (const group of ['ours~rw', 'secret'])
    await shares.put(alice.account.id, alice.space, `@${name}~${group}`)
  t.deepEqual(await shareNames(bob.account.id, alice.space), [`@${name}~ours~rw`])
  const bobs = await team(directory, bob, 'bobs')
  await refuses(t, 'NOT_ALLOWED', /Only the owner of a space shares it/, () =>
    shares.put(bob.account.id, alice.space, `@${bobs.owner}~bobs`),
  )
  await refuses(t, 'NOT_ALLOWED', /Only the owner/, () =>
    shares.delete(bob.account.id, alice.space, `@${name}~ours`),
  )
  for (const attempt of [
    () => shares.list(stranger.account.id, alice.space),
    () => shares.put(stranger.account.id, alice.space, `@${name}~ours`),
    () => shares.delete(stranger.account.id, alice.space, `@${name}~ours`),
    () => shares.list(alice.account.id, 'nowhere'),
  ]) {
    await refuses(t, 'NOT_FOUND', /There is no such space/, attempt)
  }
})

test('one shares with one’s own groups only', async (t) => {
  const [alice, bob] = [await owner(directory), await somebody(directory)]
  const group = await team(directory, bob, 'bobs')
  const target = `@${bob.account.name}~bobs`
  const put = () => shares.put(alice.account.id, alice.space, target)
  await refuses(t, 'NOT_ALLOWED', /You are not in the group "@/, put)
  await groups.setRole(bob.account.id, group, alice.account.name, 'members')
  await refuses(t, 'NOT_ALLOWED', /You are not in/, put)
  await groups.answerInvite(alice.account.id, group, 'yes')
  t.is(await put(), 'created')
  t.is(await accessOf(directory, bob, alice), 'r')
  for (const nothing of [`@${bob.account.name}~nothing`, '@nobody-at-all~x', '+no-such-org~x']) {
    await refuses(t, 'NOT_FOUND', /There is no group "/, () =>
      shares.put(alice.account.id, alice.space, nothing),
    )
  }
})

test('public is for accounts that are public, and shows nothing to anybody', async (t) => {
  const [alice, bob] = [await owner(directory), await somebody(directory)]
  const put = () => shares.put(alice.account.id, alice.space, 'public')
  await refuses(t, 'NOT_ALLOWED', /public itself/, put)
  await directory.writeProfile(alice.account.id, 'public', 'yes')
  t.is(await put(), 'created')
  t.is(await put(), 'same')
  t.deepEqual(await shareNames(alice.account.id, alice.space), ['public'])
  t.is(await accessOf(directory, bob, alice), undefined)
  t.deepEqual(await directory.visible.of(bob.account.id, alice.account.name), [])
  await shares.delete(alice.account.id, alice.space, 'public')
  t.deepEqual(await shareNames(alice.account.id, alice.space), [])
})

test('leaving, removal and the end of a group end access; the group made again inherits nothing', async (t) => {
  const [alice, bob, carol] = [await owner(directory), await somebody(directory), await somebody(directory)]
  const group = await team(directory, alice, 'team', bob, carol)
  const target = `@${alice.account.name}~team`
  await shares.put(alice.account.id, alice.space, `${target}~rw`)
  await groups.removeMember(bob.account.id, group, bob.account.name)
  await groups.removeMember(alice.account.id, group, carol.account.name)
  t.is(await accessOf(elsewhere, bob, alice), undefined)
  t.is(await accessOf(elsewhere, carol, alice), undefined)
  await join(directory, alice, group, bob)
  t.is(await accessOf(elsewhere, bob, alice), 'w')
  await groups.delete(alice.account.id, group)
  t.is(await accessOf(elsewhere, bob, alice), undefined)
  await team(directory, alice, 'team', bob)
  t.is(await accessOf(elsewhere, bob, alice), undefined)
  t.deepEqual(await shareNames(alice.account.id, alice.space), [])
})

test('an organisation that goes, or that one leaves, takes the access through its groups', async (t) => {
  const [alice, bob, carol] = [await owner(directory), await somebody(directory), await somebody(directory)]
  const org = organisation(freshName('org'))
  const research = orgGroup(org.name, 'research')
  await groups.create(alice.account.id, org)
  await groups.create(alice.account.id, research)
  await join(directory, alice, org, bob)
  await join(directory, alice, research, bob, carol)
  await shares.put(alice.account.id, alice.space, `+${org.name}~research`)
  t.is(await accessOf(directory, bob, alice), 'r')
  await groups.removeMember(bob.account.id, org, bob.account.name)
  t.is(await accessOf(directory, bob, alice), undefined)
  t.is(await accessOf(directory, carol, alice), 'r')
  await groups.delete(alice.account.id, org)
  t.is(await accessOf(directory, carol, alice), undefined)
})

test('an account or a space made again under an old name inherits no access', async (t) => {
  const [alice, bob] = [await owner(directory), await somebody(directory)]
  const bobs = await team(directory, bob, 'bobs', alice)
  await shares.put(alice.account.id, alice.space, `@${bobs.owner}~bobs~rw`)
  await directory.dropSpace(alice.account.id, 'data')
  const id = await makeSpace(directory, alice.account.id, 'data')
  t.is(await accessOf(directory, bob, alice), undefined)
  await team(directory, alice, 'team', bob)
  await shares.put(alice.account.id, id, `@${alice.account.name}~team`)
  t.is(await accessOf(directory, bob, alice), 'r')
  await directory.deleteAccount(bob.account.name)
  const again = await somebody(directory, { name: bob.account.name })
  t.is(await accessOf(directory, again, alice), undefined)
  await directory.deleteAccount(alice.account.name)
  const redis = await server.connect()
  t.deepEqual(
    (await redis.keys('*')).filter((key) => key.includes(id) || key.includes(alice.account.id)),
    [],
  )
})

test('a renamed space stays shared', async (t) => {
  const [alice, bob] = [await owner(directory), await somebody(directory)]
  await team(directory, alice, 'team', bob)
  await shares.put(alice.account.id, alice.space, `@${alice.account.name}~team`)
  await directory.renameSpace(alice.account.id, 'data', 'renamed')
  t.is(await accessOf(directory, bob, alice, 'renamed'), 'r')
  await makeSpace(directory, alice.account.id, 'data')
  t.is(await accessOf(directory, bob, alice, 'data'), undefined)
})

test('who sees a space sees it in the lists of its owner, of all that is shared, and of the group', async (t) => {
  const [alice, bob, stranger] = [
    await owner(directory),
    await somebody(directory),
    await somebody(directory),
  ]
  const { name } = alice.account
  await makeSpace(directory, alice.account.id, 'other')
  const group = await team(directory, alice, 'team', bob)
  await shares.put(alice.account.id, alice.space, `@${name}~team~rw`)
  const row = { id: alice.space, name: 'data', owner: name }
  t.like(await directory.visible.of(bob.account.id, name), [{ ...row, access: 'w' }])
  t.like(await directory.visible.of(alice.account.id, name), [{ ...row, access: 'o' }, { name: 'other' }])
  t.deepEqual(await directory.visible.of(stranger.account.id, name), [])
  t.deepEqual(await directory.visible.of(stranger.account.id, 'nobody-at-all'), [])
  t.like(await directory.visible.shared(bob.account.id), [{ ...row, access: 'w' }])
  t.deepEqual(await directory.visible.shared(alice.account.id), [])
  t.like(await directory.visible.ofGroup(bob.account.id, group), [
    { id: alice.space, name: 'data', sharer: name },
  ])
  await refuses(t, 'NOT_FOUND', /There is no group/, () =>
    directory.visible.ofGroup(stranger.account.id, group),
  )
  await directory.setAccount(name, { spacesEnabled: false })
  t.deepEqual(await directory.visible.of(bob.account.id, name), [])
  t.deepEqual(await directory.visible.shared(bob.account.id), [])
  t.deepEqual(await directory.visible.ofGroup(bob.account.id, group), [])
})
