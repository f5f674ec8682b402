import test from 'ava'
import { json, jsonBody, refuses } from '../support/http.js'
import { PASSWORD, type TestServer, testServer } from '../support/server.js'

let server: TestServer
test.before(async () => {
  server = await testServer()
})
test.after.always(() => server.stop())

const logIn = (body: unknown) => fetch(`${server.url}/v1/token`, { method: 'POST', ...jsonBody(body) })

test('POST /v1/token gives a token for name and password, without any header of authorization', async (t) => {
  await server.user('una', { password: PASSWORD })
  const response = await logIn({
    username: 'una',
    password: PASSWORD,
    token_name: 'laptop',
    token_description: 'the old one',
  })
  t.is(response.status, 200)
  const answer = await json(response)
  t.like(answer, { status: 'Success', token_name: 'laptop', token_description: 'the old one' })
  t.regex(answer.token, /^nbt-/)
  t.is(typeof answer.token_id, 'string')
  t.is(typeof answer.comment, 'string')
  const headers = { authorization: `Bearer ${answer.token}` }
  t.is(await (await fetch(`${server.url}/v1/whoami`, { headers })).text(), 'una')
  const current = await json(await fetch(`${server.url}/v1/token`, { headers }))
  t.like(current, { token_name: 'laptop', token_id: answer.token_id, username: 'una' })
  t.false('token' in current)
})

test('wrong passwords and unknown names are 401 alike; malformed requests are 400', async (t) => {
  await server.user('wim', { password: PASSWORD })
  await refuses(t, await logIn({ username: 'wim', password: 'wrong' }), 401, '"wim"')
  await refuses(t, await logIn({ username: 'nobody', password: PASSWORD }), 401, '"nobody"')
  await refuses(t, await logIn({ username: 'wim' }), 400, '"password"')
  await refuses(t, await logIn({ username: 7, password: PASSWORD }), 400, '"username"', '7')
  await refuses(t, await logIn([]), 400, '[]')
  await refuses(t, await logIn({ username: 'wim', password: PASSWORD, token_name: 'a/b' }), 400, 'a/b')
})

test('the account sees its tokens, never their values, and revokes them', async (t) => {
  const { account, token, fetch } = await server.user('tim')
  await server.directory.createToken(account.id, { name: 'ci' })
  const rows = await json(await fetch('/v1/admin/tokens/'))
  t.deepEqual(rows.map((row: { name: string }) => row.name).sort(), ['ci', 'test'])
  t.true(rows.every((row: { created_on: string }) => row.created_on.endsWith('UTC')))
  t.false(JSON.stringify(rows).includes(token))
  t.is((await json(await fetch('/v1/admin/tokens/ci'))).token_name, 'ci')
  t.is((await fetch('/v1/admin/tokens/ci', { method: 'DELETE' })).status, 200)
  await refuses(t, await fetch('/v1/admin/tokens/ci', { method: 'DELETE' }), 404, 'ci')
  await refuses(t, await fetch('/v1/admin/tokens/ci'), 404, 'ci')
})

test('the overview says who one is, what one may have, and what is used', async (t) => {
  const { fetch } = await server.user('ove')
  await fetch('/v1/code/spaces/s', { method: 'PUT' })
  await fetch('/v1/code/spaces/s/content/a/b', { method: 'POST', body: '12345' })
  const overview = await json(await fetch('/v1/admin/profile/overview'))
  t.deepEqual(overview.user_info, {
    username: 'ove',
    name: '',
    subscription: 'basic',
    email: 'ove@example.org',
  })
  t.like(overview.limits, {
    spaces: 5,
    file_bytes: 104_857_600,
    space_bytes: 5_368_709_120,
    entries_per_space: 1_000_000,
  })
  t.deepEqual(overview.usage, { spaces: 1, bytes: 5, entries: 2 })
})

test('the profile is plain files; what access depends on is not for the account to change', async (t) => {
  const { fetch } = await server.user('pat')
  const path = (file: string) => `/v1/admin/profile/${file}`
  for (const [file, fallback, text] of [
    ['name', '', 'Pat Ö'],
    ['bio', '', 'a bio'],
    ['public', 'no', 'yes'],
  ] as const) {
    const before = await fetch(path(file))
    t.is(before.headers.get('x-nvm-default'), 'true')
    t.is(await before.text(), fallback)
    t.is((await fetch(path(file), { method: 'POST', body: text })).status, 200)
    t.is(await (await fetch(path(file))).text(), text)
    t.is((await fetch(path(file), { method: 'DELETE' })).status, 200)
    t.is(await (await fetch(path(file))).text(), fallback)
  }
  await refuses(t, await fetch(path('public'), { method: 'POST', body: 'perhaps' }), 400, 'perhaps')
  for (const file of ['email', 'subscription', 'overview']) {
    await refuses(t, await fetch(path(file), { method: 'POST', body: 'x' }), 405, file)
    t.is((await fetch(path(file))).status, 200)
  }
  const names = (await json(await fetch(path('')))).map((row: { name: string }) => row.name)
  t.deepEqual(names, ['bio', 'email', 'name', 'overview', 'public', 'subscription'])
})

test('POST /gql lists the caller’s spaces whatever the query, and the visible ones of an author', async (t) => {
  const { fetch } = await server.user('gil')
  const { shortname } = await json(await fetch('/v1/code/spaces/s', { method: 'PUT' }))
  await fetch('/v1/code/spaces/s/summary', { method: 'POST', body: 'in short' })
  const ask = (body: unknown) => fetch('/gql', { method: 'POST', ...jsonBody(body) })
  const own = await json(await ask({ query: 'anything' }))
  t.deepEqual(Object.keys(own), ['data'])
  t.is(own.data.me.username, 'gil')
  const [space] = own.data.me.spaces
  t.deepEqual(Object.keys(space), [
    'id',
    'name',
    'type',
    'summary',
    'url',
    'updated',
    'public',
    'shared',
    'tags',
    'social',
    'topics',
  ])
  t.like(space, {
    id: shortname,
    name: 's',
    summary: 'in short',
    public: false,
    shared: [],
    tags: [],
    topics: [],
  })
  t.deepEqual(await json(await ask({ variables: { author: 'ann' } })), { data: { spaces: [] } })
  t.is((await json(await ask({ variables: { author: 'gil' } }))).data.spaces.length, 1)
  await refuses(t, await fetch('/gql', { method: 'POST', body: 'nonsense' }), 400, 'nonsense')
})

test('/readyz needs no token, and names what is broken; /healthz only says that the process lives', async (t) => {
  const own = await testServer({
    wrap: (deps) => ({
      ...deps,
      health: { ...deps.health, blobs: async () => Promise.reject(new Error('no disk')) },
    }),
  })
  try {
    const healthy = await fetch(`${server.url}/readyz`)
    t.is(healthy.status, 200)
    t.like(await json(healthy), { status: 'ok', redis: 'ok' })
    await refuses(t, await fetch(`${own.url}/readyz`), 503, 'blobs')
    t.is((await fetch(`${own.url}/healthz`)).status, 200)
    await refuses(t, await fetch(`${server.url}/readyz`, { method: 'POST' }), 405, 'POST')
  } finally {
    await own.stop()
  }
})
