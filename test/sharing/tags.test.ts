import test from 'ava'
import { Directory } from '../../src/accounts/directory.js'
import { makeSpace, refuses, somebody } from '../accounts/fixture.js'
import { testRedis } from '../support/redis.js'
import { owner, team } from './fixture.js'

const server = await testRedis()
const directory = new Directory(await server.connect())
const { tags, shares, visible } = directory
test.after.always(() => server.stop())

const tagNames = async (account: string, space: string) =>
  (await tags.list(account, space)).map(({ name }) => name)

test('tags are put once, listed by name, and taken away', async (t) => {
  const { account, space } = await owner(directory)
  for (const tag of ['fav', 'wip', '+mine', '=topic', '+a1_-']) t.true(await tags.put(account.id, space, tag))
  t.false(await tags.put(account.id, space, 'fav'))
  t.deepEqual(await tagNames(account.id, space), ['+a1_-', '+mine', '=topic', 'fav', 'wip'])
  await tags.delete(account.id, space, '+mine')
  t.deepEqual(await tagNames(account.id, space), ['+a1_-', '=topic', 'fav', 'wip'])
  await refuses(t, 'NOT_FOUND', /no tag "\+mine" of yours/, () => tags.delete(account.id, space, '+mine'))
})

for (const tag of [
  '',
  'mine',
  'Fav',
  '+',
  '+x',
  '+1a',
  '+Mine',
  '+a b',
  '=',
  '=X',
  '-a',
  `+${'x'.repeat(80)}`,
]) {
  test(`"${tag.slice(0, 9)}" is no tag`, async (t) => {
    const { account, space } = await owner(directory)
    await refuses(t, 'BAD_REQUEST', /is not a tag; tags are fav, like/, () =>
      tags.put(account.id, space, tag),
    )
    await refuses(t, 'NOT_FOUND', /no tag/, () => tags.delete(account.id, space, tag))
    t.deepEqual(await visible.tagged(account.id, tag), [])
  })
}

test('own tags are one’s own, categories are the owner’s and seen by all who see the space', async (t) => {
  const [alice, bob, stranger] = [
    await owner(directory),
    await somebody(directory),
    await somebody(directory),
  ]
  await team(directory, alice, 'team', bob)
  await shares.put(alice.account.id, alice.space, `@${alice.account.name}~team`)
  for (const tag of ['fav', '+alices', '=topic']) await tags.put(alice.account.id, alice.space, tag)
  await tags.put(bob.account.id, alice.space, '+bobs')
  await refuses(t, 'NOT_ALLOWED', /Only the owner .* category such as "=other"/, () =>
    tags.put(bob.account.id, alice.space, '=other'),
  )
  await refuses(t, 'NOT_ALLOWED', /Only the owner/, () => tags.delete(bob.account.id, alice.space, '=topic'))
  t.deepEqual(await tagNames(alice.account.id, alice.space), ['+alices', '=topic', 'fav'])
  t.deepEqual(await tagNames(bob.account.id, alice.space), ['+bobs', '=topic'])
  for (const attempt of [
    () => tags.put(stranger.account.id, alice.space, 'fav'),
    () => tags.delete(stranger.account.id, alice.space, '=topic'),
    () => tags.list(stranger.account.id, alice.space),
  ]) {
    await refuses(t, 'NOT_FOUND', /There is no such space/, attempt)
  }
})

test('spaces are found by tag, as long as one sees them', async (t) => {
  const [alice, bob] = [await owner(directory), await owner(directory)]
  await team(directory, alice, 'team', bob)
  const target = `@${alice.account.name}~team`
  await shares.put(alice.account.id, alice.space, target)
  await tags.put(alice.account.id, alice.space, '=topic')
  await tags.put(bob.account.id, alice.space, '+todo')
  await tags.put(bob.account.id, bob.space, '+todo')
  await tags.put(bob.account.id, bob.space, '+todo-later')
  await tags.put(bob.account.id, bob.space, '=topic')
  const found = async (account: string, tag: string) =>
    (await visible.tagged(account, tag)).map(({ id, access }) => `${id} ${access}`).sort()
  const both = [`${alice.space} r`, `${bob.space} o`].sort()
  t.deepEqual(await found(bob.account.id, '+todo'), both)
  t.deepEqual(await found(bob.account.id, '=topic'), both)
  t.deepEqual(await found(alice.account.id, '+todo'), [])
  t.deepEqual(await found(alice.account.id, '=topic'), [`${alice.space} o`])
  await shares.delete(alice.account.id, alice.space, target)
  t.deepEqual(await found(bob.account.id, '+todo'), [`${bob.space} o`])
  t.deepEqual(await found(bob.account.id, '=topic'), [`${bob.space} o`])
  await directory.dropSpace(bob.account.id, 'data')
  t.deepEqual(await found(bob.account.id, '+todo'), [])
})

test('an account has a hundred tags on a space', async (t) => {
  const { account, space } = await owner(directory)
  for (let i = 0; i < 100; i++) await tags.put(account.id, space, `+tag-${i}`)
  await refuses(t, 'BAD_REQUEST', /100 tags of yours already; "fav"/, () =>
    tags.put(account.id, space, 'fav'),
  )
})

test('a space made again has no tags', async (t) => {
  const { account, space } = await owner(directory)
  await tags.put(account.id, space, '+mine')
  await directory.dropSpace(account.id, 'data')
  const again = await makeSpace(directory, account.id, 'data')
  t.deepEqual(await tags.list(account.id, again), [])
})
