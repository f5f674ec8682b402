import test from 'ava'
import { json, refuses } from '../support/http.js'
import { PASSWORD, type TestServer, testServer } from '../support/server.js'

let server: TestServer
test.before(async () => {
  server = await testServer({ settings: { corsOrigins: ['https://app.example.org'] } })
  await server.fetch('/v1/code/spaces/files', { method: 'PUT' })
})
test.after.always(() => server.stop())

const ask = (path: string, init: RequestInit = {}) => fetch(server.url + path, init)
const basic = (user: string, password: string) =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`

test('a token opens as Bearer, and as Basic password under any user name', async (t) => {
  const { token } = server
  for (const authorization of [
    `Bearer ${token}`,
    `bearer ${token}`,
    basic('ann', token),
    basic('', token),
    basic('x', token),
  ]) {
    const response = await ask('/v1/whoami', { headers: { authorization } })
    t.is(response.status, 200)
    t.is(await response.text(), 'ann')
    t.regex(response.headers.get('content-type') ?? '', /^text\/plain/)
    t.is(response.headers.get('x-nvm-permissions'), 'r')
  }
})

test('without a valid token everything is 401, says both schemes, and tells nothing apart', async (t) => {
  await server.user('pam', { password: PASSWORD })
  const attempts = [
    '',
    'Bearer',
    'Bearer nbt-wrong',
    basic('ann', PASSWORD),
    basic('ann', ''),
    'Basic !!!',
    'Digest x',
  ]
  for (const authorization of attempts) {
    for (const path of ['/v1/whoami', '/v1/code/spaces/files', '/v1/nothing', '/gql']) {
      const response = await ask(path, { headers: authorization === '' ? {} : { authorization } })
      t.is(response.headers.get('www-authenticate'), 'Bearer realm="novem", Basic realm="novem"')
      await refuses(t, response, 401, 'Authorization')
    }
  }
})

test('a flood of wrong tokens is slowed down, and valid ones are not', async (t) => {
  const own = await testServer()
  try {
    let last = await fetch(`${own.url}/v1/whoami`, { headers: { authorization: 'Bearer x' } })
    for (let tries = 0; tries < 100 && last.status === 401; tries++) {
      await last.arrayBuffer()
      last = await fetch(`${own.url}/v1/whoami`, { headers: { authorization: 'Bearer x' } })
    }
    t.true(Number(last.headers.get('retry-after')) > 0)
    await refuses(t, last, 429, 'tokens')
    t.is((await own.fetch('/v1/whoami')).status, 200)
  } finally {
    await own.stop()
  }
})

test('a revoked token is dead with the next request', async (t) => {
  const { account, token } = await server.user('rita')
  const headers = { authorization: `Bearer ${token}` }
  t.is((await ask('/v1/whoami', { headers })).status, 200)
  t.is((await ask('/v1/admin/tokens/test', { method: 'DELETE', headers })).status, 200)
  await refuses(t, await ask('/v1/whoami', { headers }), 401)
  t.deepEqual(await server.directory.listTokens(account.id), [])
})

test('without the early-access flag spaces are 404, and everything else works', async (t) => {
  const user = await server.user('fred', { spacesEnabled: false })
  for (const path of ['', '/s', '/s/content', '/s/changes', '/s/name']) {
    await refuses(t, await user.fetch(`/v1/code/spaces${path}`), 404, `/v1/code/spaces${path}`)
    await refuses(t, await user.fetch(`/v1/users/fred/code/spaces${path}`, { method: 'PUT' }), 404)
  }
  t.is((await user.fetch('/v1/whoami')).status, 200)
  t.is((await user.fetch('/v1/admin/tokens')).status, 200)
  t.is((await user.fetch('/v1/admin/profile/overview')).status, 200)
  t.deepEqual((await json(await user.fetch('/gql', { method: 'POST', body: '{}' }))).data.me.spaces, [])
})

test('when the flag goes, the spaces go with the next request, also for whoever they are shared with', async (t) => {
  const owner = await server.user('gwen')
  await owner.fetch('/v1/code/spaces/s', { method: 'PUT' })
  t.is((await owner.fetch('/v1/code/spaces/s/content')).status, 200)
  await server.directory.setAccount('gwen', { spacesEnabled: false })
  await refuses(t, await owner.fetch('/v1/code/spaces/s/content'), 404)
  await refuses(t, await server.fetch('/v1/users/gwen/code/spaces'), 404, '"gwen"')
})

test('a space of somebody else is not to be told from one that does not exist', async (t) => {
  const stranger = await server.user('sid')
  const shapes = [
    ['GET', ''],
    ['GET', '/content'],
    ['GET', '/content/a'],
    ['GET', '/content?recursive=true'],
    ['GET', '/changes'],
    ['GET', '/changes?wait=5'],
    ['GET', '/name'],
    ['GET', '/url'],
    ['GET', '/config/access'],
    ['GET', '/shared'],
    ['HEAD', '/content'],
    ['OPTIONS', '/content/a'],
    ['POST', '/content/a'],
    ['POST', '/name'],
    ['PUT', '/content/a/'],
    ['PATCH', '/content/a'],
    ['DELETE', '/content/a'],
    ['DELETE', ''],
    ['PATCH', ''],
    ['POST', '/changes'],
  ]
  for (const [method = '', path = ''] of shapes) {
    const seen = await Promise.all(
      ['files', 'other'].map(async (space) => {
        const body = method === 'PATCH' || method === 'POST' ? 'new' : undefined
        const init = { method, ...(body !== undefined && { body }) }
        const response = await stranger.fetch(`/v1/users/ann/code/spaces/${space}${path}`, init)
        const headers = [...response.headers].filter(([name]) => name !== 'date' && name !== 'x-request-id')
        return {
          status: response.status,
          headers,
          text: (await response.text()).replaceAll('files', 'other'),
        }
      }),
    )
    t.deepEqual(seen[0], seen[1], `${method} ${path}`)
    if (method !== 'OPTIONS' && path !== '/changes') t.is(seen[0]?.status, 404, `${method} ${path}`)
  }
  t.deepEqual(await json(await stranger.fetch('/v1/users/ann/code/spaces')), [])
})

test('a verb that a resource does not know is 405 with Allow', async (t) => {
  const wrong = [
    ['DELETE', '/v1/whoami', 'GET, HEAD, OPTIONS'],
    ['POST', '/v1/code/spaces', 'GET, HEAD, OPTIONS'],
    ['POST', '/v1/code/spaces/files', 'GET, HEAD, PUT, PATCH, DELETE, OPTIONS'],
    ['PUT', '/v1/code/spaces/files/changes', 'GET, HEAD, OPTIONS'],
    ['POST', '/v1/code/spaces/files/url', 'GET, HEAD, OPTIONS'],
    ['PUT', '/v1/code/spaces/files/name', 'GET, HEAD, POST, DELETE, OPTIONS'],
    ['GET', '/gql', 'POST, OPTIONS'],
    ['PROPFIND', '/v1/code/spaces/files/content', 'GET, HEAD, PUT, POST, PATCH, DELETE, OPTIONS'],
    ['MKCOL', '/v1/whoami', 'GET, HEAD, OPTIONS'],
  ] as const
  for (const [method, path, allow] of wrong) {
    const response = await server.fetch(path, { method })
    t.is(response.headers.get('allow'), allow, path)
    await refuses(t, response, 405, path, method, allow)
  }
})

test('HEAD answers wherever GET does, with the same headers', async (t) => {
  await server.fetch('/v1/code/spaces/files/content/h.txt', { method: 'POST', body: 'hello' })
  const paths = [
    '/v1/whoami',
    '/v1/token',
    '/v1/code',
    '/v1/code/spaces',
    '/v1/code/spaces/files',
    '/v1/code/spaces/files/name',
  ]
  const more = ['/content', '/content/h.txt', '/changes', '/config'].map(
    (path) => `/v1/code/spaces/files${path}`,
  )
  for (const path of [...paths, ...more, '/healthz', '/readyz', '/v1/nothing']) {
    const [got, head] = [await server.fetch(path), await server.fetch(path, { method: 'HEAD' })]
    t.is(head.status, got.status, path)
    t.is(await head.text(), '')
    const names = [
      'content-type',
      'content-length',
      'etag',
      'x-nvm-type',
      'x-nvm-permissions',
      'last-modified',
    ]
    for (const name of names) t.is(head.headers.get(name), got.headers.get(name), `${path}: ${name}`)
  }
})

test('OPTIONS on any path says what this caller may do there', async (t) => {
  await server.fetch('/v1/code/spaces/files/content/o/f.txt', { method: 'POST', body: 'x' })
  const all = ['r', 'w', 'd']
  const expected = [
    ['/v1/whoami', ['GET', 'OPTIONS'], ['r']],
    ['/v1/code/spaces/files', ['GET', 'PATCH', 'DELETE', 'OPTIONS'], all],
    ['/v1/code/spaces/free', ['PUT', 'OPTIONS'], ['w']],
    ['/v1/users/sid/code/spaces/free', ['OPTIONS'], []],
    ['/v1/code/spaces/free/content/x', ['OPTIONS'], []],
    ['/v1/code/spaces/files/content', ['GET', 'PUT', 'OPTIONS'], all],
    ['/v1/code/spaces/files/content/o', ['GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'], all],
    ['/v1/code/spaces/files/content/o/f.txt', ['GET', 'PUT', 'POST', 'PATCH', 'DELETE', 'OPTIONS'], all],
    ['/v1/code/spaces/files/content/o/new', ['PUT', 'POST', 'OPTIONS'], all],
    ['/v1/code/spaces/files/changes', ['GET', 'OPTIONS'], ['r']],
    ['/v1/code/spaces/files/name', ['GET', 'POST', 'DELETE', 'OPTIONS'], all],
    ['/v1/code/spaces/files/url', ['GET', 'OPTIONS'], ['r']],
    ['/v1/nothing/here', ['OPTIONS'], []],
    ['/elsewhere', ['OPTIONS'], []],
    ['/', ['GET', 'OPTIONS'], ['r']],
    ['/healthz', ['GET', 'OPTIONS'], ['r']],
  ] as const
  for (const [path, actions, permissions] of expected) {
    const response = await server.fetch(path, { method: 'OPTIONS' })
    t.is(response.status, 200)
    t.deepEqual(await json(response), { actions: [...actions], permissions: [...permissions] }, path)
    t.is(
      response.headers.get('allow'),
      actions.map((verb) => (verb === 'GET' ? 'GET, HEAD' : verb)).join(', '),
    )
  }
  const anonymous = await ask('/v1/code/spaces/files/content', { method: 'OPTIONS' })
  t.deepEqual(await json(anonymous), { actions: ['OPTIONS'], permissions: [] })
  t.deepEqual((await json(await ask('/v1/token', { method: 'OPTIONS' }))).actions, ['POST', 'OPTIONS'])
})

test('a browser may ask first, from origins the operator has named', async (t) => {
  const preflight = (origin: string) =>
    ask('/v1/code/spaces/files/content/a', {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'PUT',
        'access-control-request-headers': 'authorization, if-match',
      },
    })
  const named = await preflight('https://app.example.org')
  t.is(named.status, 200)
  t.is(named.headers.get('access-control-allow-origin'), 'https://app.example.org')
  t.regex(named.headers.get('access-control-allow-methods') ?? '', /PUT.*PATCH.*DELETE/)
  t.is(named.headers.get('access-control-allow-headers'), 'authorization, if-match')
  const other = await preflight('https://evil.example.org')
  t.is(other.headers.get('access-control-allow-origin'), null)
  t.is(other.headers.get('access-control-allow-methods'), null)
  const got = await server.fetch('/v1/whoami', { headers: { origin: 'https://app.example.org' } })
  t.is(got.headers.get('access-control-allow-origin'), 'https://app.example.org')
  t.regex(got.headers.get('access-control-expose-headers') ?? '', /ETag/)
  t.is(got.headers.get('vary'), 'Origin')
})
