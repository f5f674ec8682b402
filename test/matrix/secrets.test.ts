import test, { type ExecutionContext } from 'ava'
import { Throttle } from '../../src/accounts/throttle.js'
import { ownerOf } from '../sharing/http.js'
import { json, jsonBody } from '../support/http.js'
import { everyKey, testRedis } from '../support/redis.js'
import { PASSWORD, type TestServer, type TestServerOptions, testServer } from '../support/server.js'

async function serverOf(t: ExecutionContext, options: TestServerOptions = {}): Promise<TestServer> {
  const server = await testServer({ redis: { settings: { rdbcompression: 'no' } }, ...options })
  t.teardown(() => server.stop())
  return server
}

const basic = (password: string) => `Basic ${Buffer.from(`any:${password}`).toString('base64')}`
const post = (server: TestServer, path: string, body: object) =>
  fetch(server.url + path, { method: 'POST', ...jsonBody(body) })

test('a token opens every surface as Bearer and as Basic', async (t) => {
  const server = await serverOf(t)
  const { token } = await ownerOf(server, 'olga')
  for (const [path, method] of [
    ['/v1/code/spaces/data/content/a/f.txt', 'GET'],
    ['/v1/spaces/shared', 'GET'],
    ['/dav/data/a/f.txt', 'GET'],
    ['/dav/', 'PROPFIND'],
  ] as const) {
    for (const authorization of [`Bearer ${token}`, basic(token)]) {
      const { status } = await fetch(server.url + path, { method, headers: { authorization, depth: '0' } })
      t.true(status === 200 || status === 207, `${path}: ${status}`)
    }
    t.is((await fetch(server.url + path, { method })).status, 401, path)
  }
})

test('no token, invitation token or password is at rest or in the log, whatever was done with it', async (t) => {
  const server = await serverOf(t)
  const [olga, paul] = [await ownerOf(server, 'olga'), await server.user('paul', { password: PASSWORD })]
  const logged = await json(await post(server, '/v1/token', { username: 'paul', password: PASSWORD }))
  const invite = () =>
    olga.fetch('/v1/spaces/share', {
      method: 'POST',
      ...jsonBody({ tag: 'data', email: 'paul@example.org' }),
    })
  const { token: first } = await json(await invite())
  const rotated = await json(await olga.fetch(`/v1/spaces/share/${first}/rotate`, { method: 'POST' }))
  const join = { method: 'POST', ...jsonBody({ token: rotated.token }, { 'idempotency-key': 'once' }) }
  t.is((await paul.fetch('/v1/spaces/join', join)).status, 200)
  t.is((await fetch(`${server.url}/join?token=${rotated.token}`)).status, 200)
  for (const wrong of [`Bearer x${olga.token}`, basic(`${olga.token}x`), basic(PASSWORD)]) {
    t.is((await fetch(`${server.url}/v1/whoami`, { headers: { authorization: wrong } })).status, 401)
  }
  const redis = await server.redis.connect()
  const keys = await everyKey(redis)
  const dumps = await Promise.all(keys.map((key) => redis.dumpBuffer(key)))
  const said = [...keys, ...dumps.map((dump) => dump?.toString('latin1')), ...server.errors].join('\n')
  t.true(said.includes('paul@example.org'))
  for (const secret of [olga.token, paul.token, logged.token, first, rotated.token, PASSWORD]) {
    t.regex(secret, /^.{20}/)
    t.false(said.includes(secret.slice(4)), secret)
  }
})

test('a failure names no invitation token in the log, though the path does', async (t) => {
  const broken = { failedInvitation: () => Promise.reject(new Error('out of order')) }
  const server = await serverOf(t, {
    wrap: (deps) => ({ ...deps, throttle: Object.assign(Object.create(deps.throttle), broken) }),
  })
  const secret = `shr_${'a2'.repeat(20)}`
  for (const [method, path] of [
    ['GET', `/v1/spaces/token/${secret}`],
    ['DELETE', `/v1/spaces/share/${secret}`],
    ['POST', `/v1/spaces/share/${secret}/rotate`],
    ['GET', `/join?token=${secret}`],
  ] as const) {
    t.is((await server.fetch(path, { method })).status, 500, path)
  }
  t.is(server.errors.length, 4)
  t.true(
    server.errors.every((line) => line.includes('out of order') && !line.includes(secret)),
    server.errors.join('\n'),
  )
})

test('who guesses is told to wait, on every surface, and right tokens work on', async (t) => {
  const few = { failures: 3, seconds: 300 }
  const counts = await testRedis()
  t.teardown(() => counts.stop())
  const client = await counts.connect()
  const server = await serverOf(t, {
    wrap: (deps) => ({
      ...deps,
      throttle: new Throttle(client, {
        tokenByAddress: few,
        invitationByAddress: few,
        passwordByAddress: few,
      }),
    }),
  })
  const olga = await ownerOf(server, 'olga')
  const made = await olga.fetch('/v1/spaces/share', {
    method: 'POST',
    ...jsonBody({ tag: 'data', email: 'paul@example.org' }),
  })
  const { token } = await json(made)
  const guess = (authorization: string) => ({ headers: { authorization } })
  const kinds: Readonly<Record<string, readonly (() => Promise<Response>)[]>> = {
    tokens: [
      () => fetch(`${server.url}/v1/whoami`, guess('Bearer nbt-wrong')),
      () => fetch(`${server.url}/v1/spaces/shared`, guess(basic('nbt-wrong'))),
      () => fetch(`${server.url}/dav/`, { method: 'PROPFIND', ...guess(basic('nbt-wrong')) }),
    ],
    invitations: [
      () => fetch(`${server.url}/v1/spaces/token/shr_wrong`),
      () => fetch(`${server.url}/join?token=shr_wrong`),
      () => olga.fetch('/v1/spaces/join', { method: 'POST', ...jsonBody({ token: 'shr_wrong' }) }),
      () => olga.fetch('/v1/spaces/share/shr_wrong', { method: 'DELETE' }),
    ],
    passwords: [() => post(server, '/v1/token', { username: 'olga', password: 'wrong' })],
  }
  for (const [kind, guesses] of Object.entries(kinds)) {
    for (let tries = 0; tries < 4; tries++) await (await guesses[tries % guesses.length]?.())?.arrayBuffer()
    for (const once of guesses) {
      const refused = await once()
      t.is(refused.status, 429, kind)
      t.regex(refused.headers.get('retry-after') ?? '', /^[1-9]\d*$/, kind)
      await refused.arrayBuffer()
    }
  }
  t.is((await olga.fetch('/v1/whoami')).status, 200)
  t.is((await olga.fetch('/dav/data/a/f.txt')).status, 200)
  t.is((await fetch(`${server.url}/v1/spaces/token/${token}`)).status, 200)
})
