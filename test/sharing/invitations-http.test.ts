import test, { type ExecutionContext } from 'ava'
import { Throttle } from '../../src/accounts/throttle.js'
import { json, jsonBody } from '../support/http.js'
import { testRedis } from '../support/redis.js'
import { type TestServer, type TestUser, testServer } from '../support/server.js'
import { must, ownerOf } from './http.js'

let server: TestServer
test.before(async () => {
  server = await testServer({ settings: { publicUrl: 'https://files.example.org' } })
})
test.after.always(() => server.stop())

async function refuses(
  t: ExecutionContext,
  response: Response,
  status: number,
  code: string,
  ...texts: string[]
) {
  const body = await json(response)
  t.is(response.status, status, JSON.stringify(body))
  t.like(body, { code, status })
  t.regex(body.error, /^\P{Ll}.*\.$/su)
  for (const text of texts) t.true(body.error.includes(text), body.error)
  return body
}

const post = (user: TestUser, path: string, body: unknown, headers = {}) =>
  user.fetch(path, { method: 'POST', ...jsonBody(body, headers) })

const invite = (user: TestUser, body: Record<string, unknown>, headers = {}) =>
  post(user, '/v1/spaces/share', { tag: 'data', ...body }, headers)

test('the whole way of an invitation, as the seed tells it', async (t) => {
  const [ann, bob] = [await ownerOf(server, 'ann1'), await server.user('bob1')]
  const made = await invite(ann, { email: 'Bob1@Example.org', permission: 'write' })
  t.is(made.status, 200)
  t.is(made.headers.get('cache-control'), 'no-store')
  const share = await json(made)
  t.deepEqual(
    { ...share, token: 'shr_', share_url: '' },
    {
      token: 'shr_',
      share_url: '',
      tag: 'data',
      shared_with_email: 'Bob1@Example.org',
      permission: 'write',
      expires_at: null,
      message: 'Space shared successfully',
      email_sent: false,
    },
  )
  t.is(share.share_url, `https://files.example.org/join?token=${share.token}`)

  const preview = async (token: string) => json(await fetch(`${server.url}/v1/spaces/token/${token}`))
  const seen = {
    valid: true,
    owner_tenant_id: 'ann1',
    tag: 'data',
    permission: 'write',
    expires_at: null,
    error: null,
  }
  t.deepEqual(await preview(share.token), { ...seen, already_accepted: false })
  const joined = await json(await post(bob, '/v1/spaces/join', { token: share.token }))
  t.like(joined, {
    success: true,
    tag: 'data',
    owner_tenant_id: 'ann1',
    permission: 'write',
    expires_at: null,
  })
  t.deepEqual(await preview(share.token), { ...seen, already_accepted: true })

  const file = await bob.fetch('/v1/users/ann1/code/spaces/data/content/a/f.txt')
  t.is(file.headers.get('x-nvm-permissions'), 'r, w, d')
  await must(bob, 'POST', '/v1/users/ann1/code/spaces/data/content/b.txt', 'x')

  const entry = {
    tag: 'data',
    permission: 'write',
    owner_tenant_id: 'ann1',
    shared_with_email: 'Bob1@Example.org',
    accepted: true,
    accepted_by_tenant: 'bob1',
    expires_at: null,
  }
  const lists = await json(await ann.fetch('/v1/spaces/shared'))
  t.like(lists, { shared_by_me: [entry], shared_with_me: [] })
  t.regex(lists.shared_by_me[0].created_at, /^\d{4}-\d\d-\d\dT[\d:]+Z$/)
  t.like(await json(await bob.fetch('/v1/spaces/shared')), { shared_by_me: [], shared_with_me: [entry] })
  t.false(JSON.stringify(lists).includes(share.token))

  const rotated = await json(await post(ann, `/v1/spaces/share/${share.token}/rotate`, {}))
  t.like(rotated, { tag: 'data', permission: 'write', shared_with_email: 'Bob1@Example.org' })
  t.like(await preview(share.token), {
    valid: false,
    error: 'No invitation has this token, or has it any longer.',
  })
  t.is((await bob.fetch('/v1/users/ann1/code/spaces/data')).status, 200)

  const revoked = await ann.fetch(`/v1/spaces/share/${rotated.token}`, { method: 'DELETE' })
  t.is(revoked.status, 204)
  t.is(await revoked.text(), '')
  t.is((await bob.fetch('/v1/users/ann1/code/spaces/data')).status, 404)
})

test('requests that cannot be are VALIDATION_ERRORs that name what is wrong', async (t) => {
  const ann = await ownerOf(server, 'ann2')
  for (const [body, named] of [
    [{}, '"email"'],
    [{ email: 7 }, '"email"'],
    [{ email: 'nobody' }, 'nobody'],
    [{ email: 'x@example.org', tag: '' }, 'tag'],
    [{ email: 'x@example.org', tag: 'y'.repeat(51) }, '51'],
    [{ email: 'x@example.org', tag: 'unheard-of' }, 'unheard-of'],
    [{ email: 'x@example.org', permission: 'owner' }, '"owner"'],
    [{ email: 'x@example.org', expires_in: 'soon' }, '"expires_in"'],
    [{ email: 'x@example.org', expires_in: -1 }, '-1'],
    [{ email: 'ann2@EXAMPLE.org' }, 'your own address'],
  ] as const) {
    await refuses(t, await invite(ann, body), 400, 'VALIDATION_ERROR', named)
  }
  const text = await ann.fetch('/v1/spaces/share', { method: 'POST', body: 'tag=data' })
  await refuses(t, text, 400, 'VALIDATION_ERROR', 'tag=data')
  await refuses(t, await post(ann, '/v1/spaces/join', {}), 400, 'VALIDATION_ERROR', '"token"')
})

test('plans, tokens and other people’s invitations are refused with their codes', async (t) => {
  const [ann, bob, eve] = [
    await ownerOf(server, 'ann3'),
    await server.user('bob3'),
    await server.user('eve3'),
  ]
  const fay = await server.user('fay3', { plan: 'free' })
  await must(fay, 'PUT', '/v1/code/spaces/data')
  const tiers = { required_tier: 'basic', current_tier: 'free' }
  t.like(
    await refuses(t, await invite(fay, { email: 'x@example.org' }), 403, 'FEATURE_NOT_AVAILABLE', "'free'"),
    tiers,
  )
  const forFay = await json(await invite(ann, { email: 'fay3@example.org' }))
  const joining = await post(fay, '/v1/spaces/join', { token: forFay.token })
  t.like(await refuses(t, joining, 403, 'FEATURE_NOT_AVAILABLE'), tiers)

  const { token } = await json(await invite(ann, { email: 'bob3@example.org' }))
  const join = (user: TestUser, value = token) => post(user, '/v1/spaces/join', { token: value })
  await refuses(t, await join(eve), 400, 'INVALID_TOKEN', 'another e-mail address')
  await refuses(t, await join(bob, 'shr_nonsense'), 400, 'INVALID_TOKEN', 'No invitation')
  await must(bob, 'GET', '/v1/spaces/shared')
  t.is((await join(bob)).status, 200)
  await refuses(t, await join(bob), 400, 'INVALID_TOKEN', 'already')
  for (const user of [bob, eve]) {
    const rotate = await post(user, `/v1/spaces/share/${token}/rotate`, {})
    await refuses(t, rotate, 403, 'FORBIDDEN')
    await refuses(t, await user.fetch(`/v1/spaces/share/${token}`, { method: 'DELETE' }), 403, 'FORBIDDEN')
  }
  const [{ token: handle }] = (await json(await ann.fetch('/v1/spaces/shared'))).shared_by_me.filter(
    (entry: { accepted: boolean }) => entry.accepted,
  )
  t.is((await ann.fetch(`/v1/spaces/share/${handle}`, { method: 'DELETE' })).status, 204)
  await refuses(t, await ann.fetch(`/v1/spaces/share/${token}`, { method: 'DELETE' }), 404, 'NOT_FOUND')
  await refuses(t, await post(ann, `/v1/spaces/share/${token}/rotate`, {}), 404, 'NOT_FOUND')
})

test('its envelope is used for everything below /v1/spaces', async (t) => {
  const ann = await server.user('ann4')
  await refuses(t, await fetch(`${server.url}/v1/spaces/shared`), 401, 'UNAUTHORIZED')
  await refuses(t, await ann.fetch('/v1//spaces/shared', { method: 'DELETE' }), 405, 'METHOD_NOT_ALLOWED')
  await refuses(t, await ann.fetch('/v1/spaces/nothing'), 404, 'NOT_FOUND')
  const off = await server.user('off4', { spacesEnabled: false })
  await refuses(t, await off.fetch('/v1/spaces/shared'), 404, 'NOT_FOUND')
  await refuses(t, await post(off, '/v1/spaces/join', { token: 'x' }), 404, 'NOT_FOUND')
  t.is((await fetch(`${server.url}/v1/spaces/shared`, { method: 'OPTIONS' })).status, 200)
})

test('expires_in ends the invitation and its access', async (t) => {
  const ann = await ownerOf(server, 'ann5')
  const { expires_at } = await json(await invite(ann, { email: 'x@example.org', expires_in: 3600 }))
  t.true(Math.abs(Date.parse(expires_at) - Date.now() - 3_600_000) < 60_000)

  const bob = await server.user('bob5')
  const { token } = await json(
    await invite(ann, { email: bob.account.email, permission: 'write', expires_in: 3600 }),
  )
  t.is((await post(bob, '/v1/spaces/join', { token })).status, 200)
  const asks = [
    () => bob.fetch('/v1/users/ann5/code/spaces/data/content'),
    () => bob.fetch('/v1/users/ann5/code/spaces/data/content/a.txt', { method: 'POST', body: 'a' }),
    () => bob.fetch('/dav/@ann5~data/b.txt', { method: 'PUT', body: 'b' }),
    () => bob.fetch('/dav/@ann5~data/', { method: 'PROPFIND', headers: { depth: '0' } }),
  ]
  for (let n = 0; n < 3; n++) for (const ask of asks) t.true((await ask()).status < 300)

  // Nothing else happens than that time passes.
  const [{ token: handle }] = (await json(await bob.fetch('/v1/spaces/shared'))).shared_with_me
  const redis = await server.redis.connect('time')
  await redis.hset(`{acct}:i:${handle.slice('shr_'.length)}`, 'expires', Date.now() - 1)
  for (const ask of asks) t.is((await ask()).status, 404)
})

test('the same Idempotency-Key gets the same token', async (t) => {
  const ann = await ownerOf(server, 'ann6')
  const again = (body: Record<string, unknown>) => invite(ann, body, { 'idempotency-key': 'k6' })
  const first = await json(await again({ email: 'x@example.org' }))
  t.deepEqual(await json(await again({ email: 'x@example.org' })), first)
  await refuses(t, await again({ email: 'y@example.org' }), 400, 'VALIDATION_ERROR', 'Idempotency-Key')
  t.like(await json(await fetch(`${server.url}/v1/spaces/token/${first.token}`)), { valid: true })
  const other = await json(await invite(ann, { email: 'x@example.org' }, { 'idempotency-key': 'k7' }))
  t.not(other.token, first.token)
})

test('the page behind a share_url shows the preview, safely', async (t) => {
  const ann = await ownerOf(server, 'ann7')
  const { token } = await json(await invite(ann, { email: 'x@example.org' }))
  const page = await fetch(`${server.url}/join?token=${token}`)
  t.is(page.status, 200)
  t.regex(page.headers.get('content-type') ?? '', /^text\/html/)
  t.regex(page.headers.get('content-security-policy') ?? '', /default-src 'none'.*frame-ancestors 'none'/)
  t.is(page.headers.get('referrer-policy'), 'no-referrer')
  t.is(page.headers.get('cache-control'), 'no-store')
  const html = await page.text()
  t.true(html.includes('ann7 shares “data”'))
  t.true(html.includes('https://files.example.org/v1/spaces/join'))
  t.notRegex(html, /<script|src=|href=/)
  for (const bad of ['', '<script>alert(1)</script>', token.slice(0, -1)]) {
    const wrong = await fetch(`${server.url}/join?token=${encodeURIComponent(bad)}`)
    t.is(wrong.status, 404)
    t.notRegex(await wrong.text(), /<script/)
  }
  t.is((await fetch(`${server.url}/join?token=${token}`, { method: 'POST' })).status, 405)
  t.is((await fetch(`${server.url}/join?token=%zz`)).status, 400)
})

test('guessing tokens is slowed down, on every way in; a right token still works', async (t) => {
  const counts = await testRedis()
  t.teardown(() => counts.stop())
  const slow = await counts.connect()
  const own = await testServer({
    wrap: (deps) => ({
      ...deps,
      throttle: new Throttle(slow, { invitationByAddress: { failures: 4, seconds: 600 } }),
    }),
  })
  t.teardown(() => own.stop())
  const ann = await ownerOf(own, 'ann8')
  const bob = await own.user('bob8')
  const { token } = await json(await invite(ann, { email: 'bob8@example.org' }))
  t.like(await json(await fetch(`${own.url}/v1/spaces/token/wrong`)), { valid: false })
  t.is((await fetch(`${own.url}/join?token=wrong`)).status, 404)
  t.is((await post(bob, '/v1/spaces/join', { token: 'wrong' })).status, 400)
  t.is((await bob.fetch('/v1/spaces/share/wrong', { method: 'DELETE' })).status, 404)
  for (const guess of [
    () => fetch(`${own.url}/v1/spaces/token/wrong`),
    () => fetch(`${own.url}/join?token=wrong`),
    () => post(bob, '/v1/spaces/join', { token: 'wrong' }),
    () => post(ann, '/v1/spaces/share/wrong/rotate', {}),
  ]) {
    const response = await guess()
    t.is(response.status, 429)
    t.true(Number(response.headers.get('retry-after')) > 0)
  }
  t.is((await post(bob, '/v1/spaces/join', { token })).status, 200)
})
