import test from 'ava'
import { Directory } from '../../src/accounts/directory.js'
import { hashToken } from '../../src/accounts/ids.js'
import { freshName, makeSpace, refuses, type Somebody, somebody } from '../accounts/fixture.js'
import { testRedis } from '../support/redis.js'
import { accessOf, owner } from './fixture.js'

const server = await testRedis()
const directory = new Directory(await server.connect())
const elsewhere = new Directory(await server.connect('another process'))
const { invitations, tags } = directory
test.after.always(() => server.stop())

/** Somebody with an address, on a plan that joins. */
function guest(plan = 'basic'): Promise<Somebody> {
  return somebody(directory, { plan, email: `${freshName('guest')}@Example.org` })
}

test('an invitation opens the space to the account of that address, once accepted, with its permission', async (t) => {
  const [alice, bob] = [await owner(directory), await guest()]
  const { email } = bob.account
  const made = await invitations.create(alice.account.id, { tag: 'data', email: email.toUpperCase() })
  t.regex(made.token, /^shr_[a-z2-7]{40}$/)
  t.like(made, { tag: 'data', permission: 'read', owner: alice.account.name, email: email.toUpperCase() })
  t.is(made.expires, undefined)
  t.is(await accessOf(elsewhere, bob, alice), undefined)
  t.like(await invitations.preview(made.token), {
    tag: 'data',
    permission: 'read',
    owner: alice.account.name,
  })
  t.is((await invitations.preview(made.token)).acceptedBy, undefined)
  const joined = await invitations.join(bob.account.id, made.token)
  t.like(joined, { tag: 'data', acceptedBy: bob.account.name })
  t.is(await accessOf(elsewhere, bob, alice), 'r')
  t.like(await directory.visible.shared(bob.account.id), [{ id: alice.space, access: 'r' }])
  t.is((await invitations.preview(made.token)).acceptedBy, bob.account.name)
})

test('listings show both ways, never a token', async (t) => {
  const [alice, bob] = [await owner(directory), await guest()]
  const made = await invitations.create(alice.account.id, {
    tag: 'data',
    email: bob.account.email,
    permission: 'write',
  })
  const { token, ...row } = made
  t.deepEqual(await invitations.list(alice.account.id), { made: [row], received: [] })
  t.deepEqual(await invitations.list(bob.account.id), { made: [], received: [row] })
  await invitations.join(bob.account.id, token)
  const accepted = { ...row, acceptedBy: bob.account.name }
  t.deepEqual(await invitations.list(alice.account.id), { made: [accepted], received: [] })
  t.deepEqual(await invitations.list(bob.account.id), { made: [], received: [accepted] })
  t.regex(row.handle, /^shr_[a-z2-7]{12}$/)
  t.is(await accessOf(directory, bob, alice), 'w')
})

test('what is wrong with a request is said', async (t) => {
  const alice = await owner(directory, 'data', `${freshName('alice')}@example.org`)
  const bad = [
    [{ tag: '' }, /The tag "" has 0 characters/],
    [{ tag: 'x'.repeat(51) }, /has 51 characters; it has 1 to 50/],
    [{ tag: 'nothing' }, /You have no space named "nothing", and none with that tag/],
    [{ tag: '+nothing' }, /"\+nothing"/],
    [{ email: '' }, /address is empty/],
    [{ email: 'not an address' }, /'not an address' is not an e-mail address/],
    [{ permission: 'admin' }, /must be 'read' or 'write', not "admin"/],
    [{ expiresIn: 0 }, /whole number of seconds from 1/],
    [{ expiresIn: 1.5 }, /1.5/],
    [{ email: alice.account.email.toUpperCase() }, /your own address/],
  ] as const
  for (const [wrong, message] of bad) {
    await refuses(t, 'BAD_REQUEST', message, () =>
      invitations.create(alice.account.id, { tag: 'data', email: 'bob@example.org', ...wrong }),
    )
  }
  t.deepEqual((await invitations.list(alice.account.id)).made, [])
})

test('the plan free neither invites nor joins', async (t) => {
  const [alice, bob] = [await owner(directory), await guest('free')]
  const { token } = await invitations.create(alice.account.id, { tag: 'data', email: bob.account.email })
  const refusal = await refuses(
    t,
    'FEATURE_NOT_AVAILABLE',
    /Joining spaces needs the plan 'basic'.*'free'/,
    () => invitations.join(bob.account.id, token),
  )
  t.deepEqual(refusal.details, { required_tier: 'basic', current_tier: 'free' })
  await directory.setAccount(bob.account.name, { plan: 'basic' })
  await invitations.join(bob.account.id, token)
  await directory.setAccount(alice.account.name, { plan: 'free' })
  await refuses(t, 'FEATURE_NOT_AVAILABLE', /Inviting to spaces/, () =>
    invitations.create(alice.account.id, { tag: 'data', email: 'carol@example.org' }),
  )
  t.is(await accessOf(directory, bob, alice), 'r')
})

test('a token is for the invited address, and is accepted once', async (t) => {
  const [alice, bob, carol] = [await owner(directory), await guest(), await guest()]
  const { token } = await invitations.create(alice.account.id, { tag: 'data', email: bob.account.email })
  const join =
    (who: Somebody, what = token) =>
    () =>
      invitations.join(who.account.id, what)
  await refuses(t, 'INVALID_TOKEN', /for another e-mail address/, join(carol))
  await refuses(t, 'INVALID_TOKEN', /for another e-mail address|your own/, join(alice))
  await refuses(t, 'INVALID_TOKEN', /No invitation has this token/, join(bob, `${token}x`))
  await refuses(t, 'INVALID_TOKEN', /No invitation/, () => invitations.preview('shr_'))
  await invitations.join(bob.account.id, token)
  await refuses(t, 'INVALID_TOKEN', /You have accepted this invitation already/, join(bob))
  await directory.setAccount(bob.account.name, { email: '' })
  await directory.setAccount(carol.account.name, { email: bob.account.email })
  await refuses(t, 'INVALID_TOKEN', /Another account has accepted/, join(carol))
  t.is(await accessOf(directory, bob, alice), 'r')
  t.is(await accessOf(directory, carol, alice), undefined)
})

test('a handle opens nothing', async (t) => {
  const [alice, bob] = [await owner(directory), await guest()]
  const { handle } = await invitations.create(alice.account.id, { tag: 'data', email: bob.account.email })
  await refuses(t, 'INVALID_TOKEN', /No invitation/, () => invitations.join(bob.account.id, handle))
  await refuses(t, 'INVALID_TOKEN', /No invitation/, () => invitations.preview(handle))
})

test('rotating kills the old token and keeps the share and who accepted it', async (t) => {
  const [alice, bob, carol] = [await owner(directory), await guest(), await guest()]
  const first = await invitations.create(alice.account.id, {
    tag: 'data',
    email: bob.account.email,
    permission: 'write',
  })
  const second = await invitations.rotate(alice.account.id, first.token)
  t.deepEqual({ ...second, token: '' }, { ...first, token: '' })
  await refuses(t, 'INVALID_TOKEN', /No invitation/, () => invitations.join(bob.account.id, first.token))
  await invitations.join(bob.account.id, second.token)
  const third = await invitations.rotate(alice.account.id, second.handle)
  t.is(third.acceptedBy, bob.account.name)
  t.is(await accessOf(elsewhere, bob, alice), 'w')
  await refuses(t, 'NOT_FOUND', /no invitation with this token/, () =>
    invitations.rotate(alice.account.id, second.token),
  )
  for (const who of [bob, carol]) {
    await refuses(t, 'NOT_ALLOWED', /Only who made an invitation/, () =>
      invitations.rotate(who.account.id, third.token),
    )
    await refuses(t, 'NOT_ALLOWED', /Only who made/, () => invitations.revoke(who.account.id, third.handle))
  }
})

test('revoking ends access at once, by token or handle', async (t) => {
  for (const by of ['token', 'handle'] as const) {
    const [alice, bob] = [await owner(directory), await guest()]
    const made = await invitations.create(alice.account.id, { tag: 'data', email: bob.account.email })
    await invitations.join(bob.account.id, made.token)
    await invitations.revoke(alice.account.id, made[by])
    t.is(await accessOf(elsewhere, bob, alice), undefined)
    t.deepEqual(await invitations.list(bob.account.id), { made: [], received: [] })
    await refuses(t, 'NOT_FOUND', /no invitation/, () => invitations.revoke(alice.account.id, made[by]))
    await refuses(t, 'INVALID_TOKEN', /No invitation/, () => invitations.preview(made.token))
  }
})

test('an invitation that ends opens nothing afterwards', async (t) => {
  const [alice, bob, carol] = [await owner(directory), await guest(), await guest()]
  const invite = (who: Somebody, expiresIn?: number) =>
    invitations.create(alice.account.id, { tag: 'data', email: who.account.email, expiresIn })
  const made = await invite(bob, 3600)
  t.true(Math.abs((made.expires ?? 0) - Date.now() - 3_600_000) < 60_000)
  await invitations.join(bob.account.id, made.token)
  const late = await invite(carol, 3600)
  t.is(await accessOf(directory, bob, alice), 'r')
  // Time passes.
  const redis = await server.connect()
  for (const { handle } of [made, late])
    await redis.hset(`{acct}:i:${handle.slice(4)}`, 'expires', Date.now() - 1)
  t.is(await accessOf(directory, bob, alice), undefined)
  t.deepEqual(await directory.visible.shared(bob.account.id), [])
  await refuses(t, 'INVALID_TOKEN', /has expired/, () => invitations.join(carol.account.id, late.token))
  await refuses(t, 'INVALID_TOKEN', /has expired/, () => invitations.preview(late.token))
  await invite(bob)
  t.is(await accessOf(directory, bob, alice), 'r')
})

test('the same address invited again is the same invitation', async (t) => {
  const [alice, bob] = [await owner(directory), await guest()]
  const { email } = bob.account
  const first = await invitations.create(alice.account.id, { tag: 'data', email, permission: 'write' })
  await invitations.join(bob.account.id, first.token)
  const second = await invitations.create(alice.account.id, { tag: 'data', email: email.toLowerCase() })
  t.like(second, { handle: first.handle, permission: 'read', acceptedBy: bob.account.name })
  await refuses(t, 'INVALID_TOKEN', /No invitation/, () => invitations.preview(first.token))
  t.is(await accessOf(directory, bob, alice), 'r')
  t.is((await invitations.list(alice.account.id)).made.length, 1)
})

test('a tag’s invitation follows the tag, on the owner’s spaces only', async (t) => {
  const [alice, bob] = [await owner(directory), await guest()]
  const other = await makeSpace(directory, alice.account.id, 'other')
  await tags.put(alice.account.id, alice.space, '+support')
  const { token } = await invitations.create(alice.account.id, { tag: 'support', email: bob.account.email })
  t.like(await invitations.join(bob.account.id, token), { tag: 'support' })
  t.is(await accessOf(elsewhere, bob, alice), 'r')
  t.is(await accessOf(elsewhere, bob, alice, 'other'), undefined)
  await tags.put(alice.account.id, other, '+support')
  t.is(await accessOf(elsewhere, bob, alice, 'other'), 'r')
  await tags.delete(alice.account.id, alice.space, '+support')
  t.is(await accessOf(elsewhere, bob, alice), undefined)
  t.deepEqual(
    (await directory.visible.shared(bob.account.id)).map(({ id }) => id),
    [other],
  )
  // Somebody else's tag of the same name on a space that they see is another tag.
  await tags.put(bob.account.id, other, '+mine')
  await refuses(t, 'BAD_REQUEST', /none with that tag/, () =>
    invitations.create(bob.account.id, { tag: 'mine', email: 'x@example.org' }),
  )
})

test('space or tag is settled when the invitation is made', async (t) => {
  const [alice, bob] = [await owner(directory), await guest()]
  const other = await makeSpace(directory, alice.account.id, 'other')
  await tags.put(alice.account.id, other, '=data')
  const email = bob.account.email
  const bySpace = await invitations.create(alice.account.id, { tag: 'data', email })
  await invitations.join(bob.account.id, bySpace.token)
  t.is(await accessOf(directory, bob, alice, 'other'), undefined)
  await directory.renameSpace(alice.account.id, 'data', 'renamed')
  t.is(await accessOf(directory, bob, alice, 'renamed'), 'r')
  t.is(await accessOf(directory, bob, alice, 'other'), undefined)
  t.like((await invitations.list(bob.account.id)).received, [{ tag: 'renamed' }])
  const byTag = await invitations.create(alice.account.id, { tag: 'data', email })
  t.not(byTag.handle, bySpace.handle)
  await invitations.join(bob.account.id, byTag.token)
  t.is(await accessOf(directory, bob, alice, 'other'), 'r')
  const again = await makeSpace(directory, alice.account.id, 'data')
  t.is(await accessOf(directory, bob, alice, 'data'), undefined)
  t.truthy(again)
  await directory.dropSpace(alice.account.id, 'renamed')
  t.like((await invitations.list(alice.account.id)).made, [{ tag: 'data' }])
})

test('accounts take their invitations with them, made and accepted', async (t) => {
  const [alice, bob, carol] = [await owner(directory), await guest(), await owner(directory)]
  const { email, name } = bob.account
  const made = await invitations.create(alice.account.id, { tag: 'data', email })
  await invitations.join(bob.account.id, made.token)
  const pending = await invitations.create(carol.account.id, { tag: 'data', email })
  await directory.deleteAccount(name)
  const again = await somebody(directory, { name, email, plan: 'basic' })
  t.is(await accessOf(directory, again, alice), undefined)
  await refuses(t, 'INVALID_TOKEN', /No invitation/, () => invitations.join(again.account.id, made.token))
  await invitations.join(again.account.id, pending.token)
  await directory.deleteAccount(carol.account.name)
  t.deepEqual(await invitations.list(again.account.id), { made: [], received: [] })
})

test('only hashes of tokens are kept', async (t) => {
  const [alice, bob] = [await owner(directory), await guest()]
  const { token } = await invitations.create(alice.account.id, { tag: 'data', email: bob.account.email })
  const rotated = await invitations.rotate(alice.account.id, token)
  const redis = await server.connect()
  await redis.config('SET', 'rdbcompression', 'no')
  const dump = await Promise.all(
    (await redis.keys('*')).map(async (key) => (await redis.dumpBuffer(key))?.toString('latin1')),
  )
  for (const secret of [token, rotated.token]) {
    t.false(dump.some((value) => value?.includes(secret.slice(4))))
  }
  t.is(await redis.hget('{acct}:invitations', hashToken(token)), null)
})
