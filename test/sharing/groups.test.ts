import test from 'ava'
import { Directory } from '../../src/accounts/directory.js'
import { formatGroup, organisation, orgGroup, parseGroup, userGroup } from '../../src/sharing/address.js'
import { groupFileDefault, parseGroupFile } from '../../src/sharing/group-profile.js'
import { OPERATOR } from '../../src/sharing/groups.js'
import { parseRole } from '../../src/sharing/roles.js'
import { freshName, refuses, somebody } from '../accounts/fixture.js'
import { testRedis } from '../support/redis.js'
import { refused } from '../support/refused.js'
import { join, people, team } from './fixture.js'

const server = await testRedis()
const directory = new Directory(await server.connect())
const { groups } = new Directory(await server.connect('another process'))
test.after.always(() => server.stop())

const names = async (rows: Promise<readonly { group: Parameters<typeof formatGroup>[0] }[]>) =>
  (await rows).map(({ group }) => formatGroup(group))

test('groups and organisations are named as people write them', (t) => {
  t.deepEqual(parseGroup('@smith~analysts'), userGroup('smith', 'analysts'))
  t.deepEqual(parseGroup('+acme~research'), orgGroup('acme', 'research'))
  t.deepEqual(parseGroup('+acme'), organisation('acme'))
  for (const text of ['', '@smith', 'smith~x', '@smith~', '@~x', '+', '+acme~', '+a~b~c', '@Smith~x']) {
    t.is(parseGroup(text), undefined, text)
  }
  for (const text of ['@smith~analysts', '+acme~research', '+acme']) {
    t.is(formatGroup(parseGroup(text) as ReturnType<typeof userGroup>), text)
  }
  t.is(parseRole('founders'), 'founders')
  t.regex(
    refused(() => parseRole('owners'), 'NOT_FOUND'),
    /"owners"; the roles are founders, admins/,
  )
})

test('whoever makes a group is its founder', async (t) => {
  const alice = await somebody(directory)
  const group = await team(directory, alice)
  t.deepEqual(await names(groups.list(alice.account.id)), [`@${alice.account.name}~team`])
  t.like(await groups.read(alice.account.id, group), { role: 'founders', files: {} })
  t.like(await groups.listMembers(alice.account.id, group), [
    { name: alice.account.name, role: 'founders', accepted: true },
  ])
  await refuses(t, 'EXISTS', /"team" already/, () => groups.create(alice.account.id, group))
  await refuses(t, 'BAD_NAME', /'My Team' cannot be the name of a group/, () =>
    groups.create(alice.account.id, userGroup(alice.account.name, 'My Team')),
  )
  await refuses(t, 'BAD_NAME', /'' cannot be/, () => groups.create(alice.account.id, organisation('')))
})

test('adding is an invitation, which is accepted or declined', async (t) => {
  const [alice, bob, carol] = [
    await somebody(directory),
    await somebody(directory),
    await somebody(directory),
  ]
  const group = await team(directory, alice)
  t.is(await groups.setRole(alice.account.id, group, bob.account.name, 'members'), 'invited')
  t.is(await groups.setRole(alice.account.id, group, bob.account.name, 'members'), 'same')
  t.is(await groups.setRole(alice.account.id, group, carol.account.name, 'admins'), 'invited')
  t.deepEqual(await names(groups.listInvites(bob.account.id)), [formatGroup(group)])
  t.deepEqual(await names(groups.list(bob.account.id)), [])
  await refuses(t, 'NOT_FOUND', /There is no group/, () => groups.listMembers(bob.account.id, group))
  await groups.answerInvite(bob.account.id, group, 'yes')
  await groups.answerInvite(carol.account.id, group, 'no')
  t.deepEqual(await names(groups.list(bob.account.id)), [formatGroup(group)])
  t.deepEqual(await names(groups.listInvites(carol.account.id)), [])
  for (const who of [bob, carol]) {
    await refuses(t, 'NOT_FOUND', /There is no invitation to the group "@/, () =>
      groups.answerInvite(who.account.id, group, 'yes'),
    )
  }
  t.deepEqual(
    (await groups.listMembers(bob.account.id, group)).map(({ name, accepted }) => `${name} ${accepted}`),
    [`${alice.account.name} true`, `${bob.account.name} true`].sort(),
  )
  await refuses(t, 'NOT_FOUND', /no account named "nobody-here"/, () =>
    groups.setRole(alice.account.id, group, 'nobody-here', 'members'),
  )
})

test('an invitation taken back cannot be accepted', async (t) => {
  const [alice, bob] = [await somebody(directory), await somebody(directory)]
  const group = await team(directory, alice)
  await groups.setRole(alice.account.id, group, bob.account.name, 'members')
  await groups.removeMember(alice.account.id, group, bob.account.name, 'members')
  await refuses(t, 'NOT_FOUND', /no invitation/, () => groups.answerInvite(bob.account.id, group, 'yes'))
})

test('only founders and admins change membership, only founders make and unmake founders', async (t) => {
  const { alice, admin, superuser, member, stranger } = await people(
    directory,
    'alice',
    'admin',
    'superuser',
    'member',
    'stranger',
  )
  const group = await team(directory, alice, 'team', admin, superuser, member)
  t.is(await groups.setRole(alice.account.id, group, admin.account.name, 'admins'), 'changed')
  t.is(await groups.setRole(admin.account.id, group, superuser.account.name, 'superusers'), 'changed')
  for (const who of [superuser, member]) {
    await refuses(t, 'NOT_ALLOWED', /Only founders and admins/, () =>
      groups.setRole(who.account.id, group, stranger.account.name, 'members'),
    )
    await refuses(t, 'NOT_ALLOWED', /Only founders and admins/, () =>
      groups.removeMember(who.account.id, group, admin.account.name),
    )
    await refuses(t, 'NOT_ALLOWED', /write the profile/, () =>
      groups.writeProfile(who.account.id, group, 'description', 'ours'),
    )
  }
  await refuses(t, 'NOT_ALLOWED', /Only founders of the group .* remove founders/, () =>
    groups.setRole(admin.account.id, group, admin.account.name, 'founders'),
  )
  await refuses(t, 'NOT_ALLOWED', /Only founders of/, () =>
    groups.removeMember(admin.account.id, group, alice.account.name),
  )
  await refuses(t, 'NOT_ALLOWED', /Only its founders delete/, () => groups.delete(admin.account.id, group))
  for (const attempt of [
    () => groups.setRole(stranger.account.id, group, stranger.account.name, 'founders'),
    () => groups.removeMember(stranger.account.id, group, stranger.account.name),
    () => groups.delete(stranger.account.id, group),
    () => groups.read(stranger.account.id, group),
    () => groups.writeProfile(stranger.account.id, group, 'name', 'x'),
  ]) {
    await refuses(t, 'NOT_FOUND', /There is no group "@/, attempt)
  }
})

test('the last founder cannot leave, be removed or step down', async (t) => {
  const [alice, bob] = [await somebody(directory), await somebody(directory)]
  const group = await team(directory, alice, 'team', bob)
  const last = /last founder of the group/
  await refuses(t, 'NOT_ALLOWED', last, () =>
    groups.removeMember(alice.account.id, group, alice.account.name),
  )
  await refuses(t, 'NOT_ALLOWED', last, () =>
    groups.setRole(alice.account.id, group, alice.account.name, 'members'),
  )
  await groups.setRole(alice.account.id, group, bob.account.name, 'founders')
  await groups.removeMember(bob.account.id, group, alice.account.name, 'founders')
  await refuses(t, 'NOT_ALLOWED', last, () => groups.removeMember(bob.account.id, group, bob.account.name))
  t.deepEqual(await names(groups.list(alice.account.id)), [])
})

test('a founder who has not accepted yet is none', async (t) => {
  const [alice, bob] = [await somebody(directory), await somebody(directory)]
  const group = await team(directory, alice)
  await groups.setRole(alice.account.id, group, bob.account.name, 'founders')
  await refuses(t, 'NOT_ALLOWED', /last founder/, () =>
    groups.removeMember(alice.account.id, group, alice.account.name),
  )
})

test('members leave; one is removed in the role one has', async (t) => {
  const [alice, bob] = [await somebody(directory), await somebody(directory)]
  const group = await team(directory, alice, 'team', bob)
  await refuses(t, 'NOT_FOUND', /is not among the admins/, () =>
    groups.removeMember(bob.account.id, group, bob.account.name, 'admins'),
  )
  await groups.removeMember(bob.account.id, group, bob.account.name, 'members')
  await refuses(t, 'NOT_FOUND', /There is no group/, () => groups.read(bob.account.id, group))
})

test('organisations have groups; who leads the organisation leads those', async (t) => {
  const [alice, bob, carol] = [
    await somebody(directory),
    await somebody(directory),
    await somebody(directory),
  ]
  const org = organisation(freshName('org'))
  await groups.create(alice.account.id, org)
  await join(directory, alice, org, bob)
  const research = orgGroup(org.name, 'research')
  await refuses(t, 'NOT_ALLOWED', /make groups in it/, () => groups.create(bob.account.id, research))
  await refuses(t, 'NOT_FOUND', /no organisation/, () => groups.create(carol.account.id, research))
  await groups.setRole(alice.account.id, org, bob.account.name, 'admins')
  await groups.create(bob.account.id, research)
  t.like(await groups.read(alice.account.id, research), { role: 'founders' })
  t.is(await groups.setRole(alice.account.id, research, carol.account.name, 'members'), 'invited')
  t.deepEqual(await names(groups.listInvites(carol.account.id)), [formatGroup(research)])
  t.deepEqual(await names(groups.listOrgs(bob.account.id)), [formatGroup(org)])
  t.deepEqual(await names(groups.listOrgGroups(alice.account.id, org.name)), [formatGroup(research)])
  t.deepEqual(await names(groups.list(bob.account.id)), [formatGroup(research)])
  await refuses(t, 'NOT_FOUND', /There is no organisation/, () =>
    groups.listOrgGroups(carol.account.id, org.name),
  )
  await groups.removeMember(alice.account.id, org, bob.account.name)
  t.deepEqual(await names(groups.list(bob.account.id)), [])
  await groups.delete(alice.account.id, org)
  t.deepEqual(await names(groups.listInvites(carol.account.id)), [])
  t.deepEqual(await names(groups.listOrgs(alice.account.id)), [])
})

test('the names of organisations are everybody’s, those of groups one’s own', async (t) => {
  const [alice, bob] = [await somebody(directory), await somebody(directory)]
  const org = organisation(freshName('org'))
  await groups.create(alice.account.id, org)
  await refuses(t, 'EXISTS', /already/, () => groups.create(bob.account.id, org))
  await team(directory, alice, 'same')
  await team(directory, bob, 'same')
  t.deepEqual(await names(groups.listOwn(bob.account.id)), [`@${bob.account.name}~same`])
})

test('profiles are small files with defaults', async (t) => {
  const alice = await somebody(directory)
  const group = await team(directory, alice)
  await groups.writeProfile(alice.account.id, group, 'name', 'The team')
  await groups.writeProfile(alice.account.id, group, 'options/is_open', 'yes\n')
  const { files } = await groups.read(alice.account.id, group)
  t.is(files.name?.text, 'The team')
  t.is(files['options/is_open']?.text, 'yes')
  await groups.writeProfile(alice.account.id, group, 'name', null)
  t.is((await groups.read(alice.account.id, group)).files.name, undefined)
  t.is(groupFileDefault('name'), '')
  t.is(groupFileDefault('options/is_open'), 'no')
  t.is(parseGroupFile('options/is_open'), 'options/is_open')
  t.is(parseGroupFile('options/secret'), undefined)
  await refuses(t, 'BAD_REQUEST', /"options\/is_open" must be 'yes' or 'no', not "maybe"/, () =>
    groups.writeProfile(alice.account.id, group, 'options/is_open', 'maybe'),
  )
  await refuses(t, 'BAD_REQUEST', /longer than 4096/, () =>
    groups.writeProfile(alice.account.id, group, 'description', 'x'.repeat(5000)),
  )
})

test('the operator may do all of it', async (t) => {
  const [alice, bob] = [await somebody(directory), await somebody(directory)]
  const group = await team(directory, alice)
  t.is(await groups.setRole(OPERATOR, group, bob.account.name, 'founders'), 'invited')
  await groups.answerInvite(bob.account.id, group, 'yes')
  await groups.removeMember(OPERATOR, group, alice.account.name)
  t.deepEqual(
    (await groups.listMembers(OPERATOR, group)).map(({ name }) => name),
    [bob.account.name],
  )
  await groups.delete(OPERATOR, group)
  await refuses(t, 'NOT_FOUND', /There is no group/, () => groups.read(OPERATOR, group))
})

test('an account that goes leaves its groups behind, and takes with it those that are its own or would be empty', async (t) => {
  const [alice, bob] = [await somebody(directory), await somebody(directory)]
  const [own, shared] = [
    await team(directory, alice, 'own', bob),
    await team(directory, bob, 'shared', alice),
  ]
  const [empty, kept] = [organisation(freshName('org')), organisation(freshName('org'))]
  for (const org of [empty, kept]) await groups.create(alice.account.id, org)
  await join(directory, alice, kept, bob)
  await groups.setRole(alice.account.id, empty, bob.account.name, 'members')
  await directory.deleteAccount(alice.account.name)
  t.deepEqual(await names(groups.list(bob.account.id)), [formatGroup(shared)])
  t.deepEqual(await names(groups.listInvites(bob.account.id)), [])
  t.deepEqual(await names(groups.listOrgs(bob.account.id)), [formatGroup(kept)])
  t.deepEqual(
    (await groups.listMembers(bob.account.id, shared)).map(({ name }) => name),
    [bob.account.name],
  )
  for (const gone of [own, empty]) {
    await refuses(t, 'NOT_FOUND', /There is no/, () => groups.read(OPERATOR, gone))
  }
  const again = await directory.createAccount({ name: alice.account.name })
  t.deepEqual(await names(groups.list(again.id)), [])
  t.deepEqual(await names(groups.listOrgs(again.id)), [])
})

test('the same Idempotency-Key gets the first answer', async (t) => {
  const [alice, bob] = [await somebody(directory), await somebody(directory)]
  const group = await team(directory, alice)
  const options = { idempotencyKey: 'k' }
  const invite = () => groups.setRole(alice.account.id, group, bob.account.name, 'members', options)
  t.is(await invite(), 'invited')
  t.is(await invite(), 'invited')
  await refuses(t, 'BAD_REQUEST', /Idempotency-Key/, () =>
    groups.setRole(alice.account.id, group, bob.account.name, 'admins', options),
  )
})
