import test from 'ava'
import { json, refuses } from '../support/http.js'
import { type TestServer, testServer } from '../support/server.js'
import { must, teamOf } from './http.js'

let server: TestServer
test.before(async () => {
  server = await testServer()
})
test.after.always(() => server.stop())

const names = async (response: Promise<Response>) =>
  (await json(await response)).map((row: { name: string }) => row.name)

test('a group is made, seen by its members, left and deleted', async (t) => {
  const [smith, jones, brown] = [
    await server.user('smith'),
    await server.user('jones'),
    await server.user('brown'),
  ]
  t.is((await smith.fetch('/v1//admin/groups/analysts/', { method: 'PUT' })).status, 201)
  await refuses(t, await smith.fetch('/v1/admin/groups/analysts', { method: 'PUT' }), 409, 'analysts')
  await refuses(t, await smith.fetch('/v1/admin/groups/My%20Team', { method: 'PUT' }), 400, 'My Team')
  const members = '/v1/admin/groups/analysts/roles/members'
  t.is((await smith.fetch(`${members}/jones`, { method: 'PUT' })).status, 201)
  t.is((await smith.fetch(`${members}/jones`, { method: 'PUT' })).status, 200)
  await refuses(t, await smith.fetch(`${members}/nobody`, { method: 'PUT' }), 404, 'nobody')
  await refuses(
    t,
    await smith.fetch('/v1/admin/groups/analysts/roles/kings/jones', { method: 'PUT' }),
    404,
    'kings',
  )

  const invites = await json(await jones.fetch('/v1/admin/invites/'))
  t.like(invites, [{ name: '@smith~analysts', role: 'members' }])
  t.regex(invites[0].created_on, / UTC$/)
  t.deepEqual(await names(jones.fetch('/v1/groups/')), [])
  t.like(await json(await smith.fetch(members)), [{ name: 'jones', role: 'members', accepted: false }])
  await refuses(
    t,
    await jones.fetch('/v1/admin/invites/@smith~analysts/accept', { method: 'POST', body: 'perhaps' }),
    400,
    'perhaps',
  )
  await must(jones, 'POST', '/v1/admin/invites/@smith~analysts/accept', 'yes\n')
  await refuses(
    t,
    await jones.fetch('/v1/admin/invites/@smith~analysts/accept', { method: 'POST', body: 'yes' }),
    404,
    '@smith~analysts',
  )
  t.deepEqual(await names(jones.fetch('/v1/groups/')), ['@smith~analysts'])
  t.deepEqual(await names(jones.fetch('/v1/users/smith/groups')), ['analysts'])
  t.deepEqual(await names(jones.fetch('/v1/admin/groups/')), [])
  t.deepEqual(await names(smith.fetch('/v1/admin/groups/')), ['analysts'])
  for (const path of [
    '/v1/groups/@smith~analysts',
    '/v1/users/smith/groups/analysts',
    '/v1/admin/groups/@smith~analysts',
  ]) {
    t.deepEqual(await names(jones.fetch(path)), ['profile', 'roles', 'shared'], path)
    t.deepEqual(await names(jones.fetch(`${path}/roles`)), ['founders', 'admins', 'superusers', 'members'])
    t.deepEqual(await names(jones.fetch(`${path}/roles/members`)), ['jones'])
    await refuses(
      t,
      await jones.fetch(`${path}/roles/members/brown`, { method: 'PUT' }),
      403,
      '@smith~analysts',
    )
    await refuses(t, await brown.fetch(path), 404, '@smith~analysts')
    await refuses(t, await brown.fetch(`${path}/roles/members/brown`, { method: 'DELETE' }), 404)
  }
  t.like(await json(await jones.fetch('/v1/groups/@smith~analysts/roles/founders/smith')), {
    name: 'smith',
    role: 'founders',
    accepted: true,
  })
  await refuses(
    t,
    await smith.fetch('/v1/admin/groups/analysts/roles/founders/smith', { method: 'DELETE' }),
    403,
    'last founder',
  )
  await refuses(
    t,
    await jones.fetch('/v1/admin/groups/@smith~analysts', { method: 'DELETE' }),
    403,
    'founders',
  )
  await must(jones, 'DELETE', '/v1/groups/@smith~analysts/roles/members/jones')
  t.deepEqual(await names(jones.fetch('/v1/groups/')), [])
  await must(smith, 'DELETE', '/v1/admin/groups/analysts/')
  await refuses(t, await smith.fetch('/v1/admin/groups/analysts'), 404, 'analysts')
  await refuses(t, await smith.fetch('/v1/admin/groups/@jones~x', { method: 'PUT' }), 403, '@jones~x')
})

test('organisations hold groups', async (t) => {
  const [ada, bea, stranger] = [await server.user('ada'), await server.user('bea'), await server.user('cleo')]
  await must(ada, 'PUT', '/v1/admin/orgs/acme')
  await must(ada, 'PUT', '/v1/admin/orgs/acme/groups/research')
  await must(ada, 'PUT', '/v1/admin/orgs/acme/roles/members/bea')
  await must(ada, 'PUT', '/v1/admin/orgs/acme/groups/research/roles/admins/bea')
  t.deepEqual(await names(bea.fetch('/v1/admin/invites')), ['+acme', '+acme~research'])
  t.deepEqual(await names(bea.fetch('/v1/admin/invites/+acme~research')), ['accept'])
  t.is(await (await bea.fetch('/v1/admin/invites/+acme/accept')).text(), '')
  await must(bea, 'POST', '/v1/admin/invites/+acme/accept', 'yes')
  await must(bea, 'POST', '/v1/admin/invites/+acme~research/accept', 'no')
  t.deepEqual(await names(bea.fetch('/v1/admin/invites')), [])
  t.deepEqual(await names(bea.fetch('/v1/orgs/')), ['acme'])
  t.deepEqual(await names(bea.fetch('/v1/orgs/acme/groups/')), ['research'])
  t.deepEqual(await names(bea.fetch('/v1/orgs/acme')), ['profile', 'roles', 'groups'])
  t.deepEqual(await names(ada.fetch('/v1/groups/')), ['+acme~research'])
  t.deepEqual(await names(ada.fetch('/v1/users/+acme/groups')), ['research'])
  t.deepEqual(await names(ada.fetch('/v1/users/+acme/groups/research/roles/founders')), ['ada'])
  await refuses(t, await stranger.fetch('/v1/orgs/acme/groups'), 404, 'acme')
  await refuses(t, await stranger.fetch('/v1/admin/orgs/acme/groups/x', { method: 'PUT' }), 404, 'acme')
  await refuses(t, await bea.fetch('/v1/admin/orgs/acme/groups/x', { method: 'PUT' }), 403, 'acme')
  await refuses(t, await stranger.fetch('/v1/admin/orgs/acme', { method: 'PUT' }), 409, 'acme')
})

test('profiles and options are plain files', async (t) => {
  const [eva, fay] = [await server.user('eva'), await server.user('fay')]
  await teamOf(eva, 'crew', fay)
  const profile = '/v1/admin/groups/crew/profile'
  t.deepEqual(await names(eva.fetch(profile)), ['name', 'description', 'options'])
  t.true((await names(eva.fetch(`${profile}/options`))).includes('is_open'))
  const unset = await eva.fetch(`${profile}/options/is_open`)
  t.is(unset.headers.get('x-nvm-default'), 'true')
  t.is(await unset.text(), 'no')
  await must(eva, 'POST', `${profile}/description`, 'We sail.')
  await must(eva, 'POST', `${profile}/options/is_open`, 'yes')
  const read = await fay.fetch('/v1/groups/@eva~crew/profile/description')
  t.is(read.headers.get('x-nvm-permissions'), 'r')
  t.is(await read.text(), 'We sail.')
  t.is(await (await fay.fetch('/v1/groups/@eva~crew/profile/options/is_open')).text(), 'yes')
  await refuses(
    t,
    await eva.fetch(`${profile}/options/is_open`, { method: 'POST', body: 'so-so' }),
    400,
    'so-so',
  )
  await refuses(t, await eva.fetch(`${profile}/options/no_such`), 404, 'no_such')
  const denied = await fay.fetch('/v1/groups/@eva~crew/profile/name', { method: 'POST', body: 'Mine' })
  await refuses(t, denied, 403, '@eva~crew')
  await must(eva, 'DELETE', `${profile}/description`)
  t.is(await (await eva.fetch(`${profile}/description`)).text(), '')
})

test('OPTIONS says what the caller may do', async (t) => {
  const [gus, hal] = [await server.user('gus'), await server.user('hal')]
  await teamOf(gus, 'crew', hal)
  const actions = async (user: typeof gus, path: string) =>
    (await json(await user.fetch(path, { method: 'OPTIONS' }))).actions
  t.deepEqual(await actions(gus, '/v1/admin/groups/crew'), ['GET', 'PUT', 'DELETE', 'OPTIONS'])
  t.deepEqual(await actions(hal, '/v1/groups/@gus~crew'), ['GET', 'OPTIONS'])
  t.deepEqual(await actions(hal, '/v1/admin/groups/mine'), ['PUT', 'OPTIONS'])
  t.deepEqual(await actions(hal, '/v1/groups/@gus~crew/roles/members/hal'), ['GET', 'DELETE', 'OPTIONS'])
  t.deepEqual(await actions(hal, '/v1/groups/@gus~crew/roles/founders/gus'), ['GET', 'OPTIONS'])
  t.deepEqual(await actions(hal, '/v1/groups/@gus~none/roles/founders/gus'), ['OPTIONS'])
})
