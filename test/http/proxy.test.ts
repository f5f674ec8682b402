import test from 'ava'
import { parseRange } from '../../src/http/remote/addresses.js'
import { type TestServer, testServer } from '../support/server.js'

let behind: TestServer
let open: TestServer
test.before(async () => {
  behind = await testServer({
    settings: { trustProxy: [parseRange('127.0.0.0/8'), parseRange('10.0.0.0/8')] },
  })
  open = await testServer()
  for (const server of [behind, open]) await server.fetch('/v1/code/spaces/s', { method: 'PUT' })
})
test.after.always(async () => {
  await behind.stop()
  await open.stop()
})

async function guess(server: TestServer, forwarded: string): Promise<number> {
  const headers = { authorization: 'Bearer nbt-wrong', 'x-forwarded-for': forwarded }
  return (await fetch(`${server.url}/v1/whoami`, { headers })).status
}

/** Guesses until it is refused. */
async function exhaust(server: TestServer, forwarded: string): Promise<void> {
  for (let tries = 0; (await guess(server, forwarded)) !== 429; tries++) {
    if (tries > 200) throw new Error('nobody is slowed down')
  }
}

test('behind a trusted proxy each client is slowed down by its own address', async (t) => {
  await exhaust(behind, '203.0.113.1')
  t.is(await guess(behind, '203.0.113.2'), 401)
  // What the client itself wrote stands further left; proxies of the operator's own in between do not count.
  t.is(await guess(behind, '203.0.113.9, 203.0.113.1, 10.0.0.7'), 429)
  t.is(await guess(behind, 'nonsense, 203.0.113.1'), 429)
})

test('without a trusted proxy nobody gets another address by saying so', async (t) => {
  await exhaust(open, '203.0.113.1')
  t.is(await guess(open, '203.0.113.2'), 429)
})

test('links begin as the proxy was called', async (t) => {
  const link = async ({ url, token }: TestServer) => {
    const headers = { authorization: `Bearer ${token}`, 'x-forwarded-proto': 'https' }
    return (await fetch(`${url}/v1/code/spaces/s/url`, { headers })).text()
  }
  t.true((await link(behind)).startsWith(`https://127.0.0.1:${behind.port}/`))
  t.true((await link(open)).startsWith(`http://127.0.0.1:${open.port}/`))
})
