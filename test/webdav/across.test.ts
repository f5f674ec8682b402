import test, { type ExecutionContext } from 'ava'
import { Maintenance } from '../../src/maintenance.js'
import { Wire } from '../support/http.js'
import { pendingBlobs, type TestServer, testServer } from '../support/server.js'
import { davOf, journal, refusedAs, share } from './support.js'

/** COPY from one space into another: nobody ever sees half of it, and nothing stays of what breaks off. */

/** A server that stops before the n-th blob of a copy, until it is let go on. */
interface Held {
  readonly server: TestServer
  /** From here on: the blob before which it stops. */
  stopBefore(count: number): { readonly reached: Promise<void>; goOn(): void }
}

async function held(t: ExecutionContext): Promise<Held> {
  let left = Number.POSITIVE_INFINITY
  let reach = () => {}
  let gate = Promise.resolve()
  const server = await testServer({
    plan: 'enterprise',
    wrap: (deps) => {
      const { blobs } = deps
      const put: typeof blobs.put = async (...args) => {
        if (--left === 0) {
          reach()
          await gate
        }
        return blobs.put(...args)
      }
      const wrapped = new Proxy(blobs, {
        get: (target, name) => {
          if (name === 'put') return put
          const value = Reflect.get(target, name)
          return typeof value === 'function' ? value.bind(target) : value
        },
      })
      return { ...deps, blobs: wrapped }
    },
  })
  t.teardown(() => server.stop())
  return {
    server,
    stopBefore: (count) => {
      left = count
      let goOn = () => {}
      gate = new Promise<void>((resolve) => {
        goOn = resolve
      })
      const reached = new Promise<void>((resolve) => {
        reach = resolve
      })
      return { reached, goOn }
    },
  }
}

/** Spaces `from`, with a tree of 300 files, and `to`. */
async function spaces({ server }: Held) {
  const dav = davOf(server, server)
  for (const name of ['from', 'to']) await server.fetch(`/v1/code/spaces/${name}`, { method: 'PUT' })
  await dav('MKCOL', '/dav/from/d')
  await dav('MKCOL', '/dav/from/d/e')
  const write = (i: number) => dav('PUT', `/dav/from/d/${i % 2 ? 'e/' : ''}${i}`, {}, String(i))
  for (let i = 0; i < 300; i += 20) await Promise.all(Array.from({ length: 20 }, (_, at) => write(i + at)))
  return dav
}

/** Nothing of it is left, once what is swept every minute was swept. */
async function nothingLeft(
  t: ExecutionContext,
  { directory, spaces, blobs, account }: TestServer,
): Promise<void> {
  const to = (await directory.listSpaces(account.id)).find(({ name }) => name === 'to')?.id ?? ''
  const log = { info() {}, warn() {}, error: (line: string) => t.fail(line) }
  const sweep = new Maintenance(
    { directory, spaces, blobs, log },
    { pendingGraceMs: -1000, freedGraceMs: -1000 },
  )
  await spaces.abandonCopies(to, Date.now() + 1000)
  await spaces.reaped()
  await sweep.round()
  await spaces.reaped()
  await sweep.round()
  t.is(await pendingBlobs({ blobs }), 0)
  const left: string[] = []
  for await (const { blob } of blobs.list(to)) left.push(blob)
  t.deepEqual(left, [])
}

test('while it goes on there is nothing to see; then it is there whole', async (t) => {
  const one = await held(t)
  const { server } = one
  const dav = await spaces(one)
  const { reached, goOn } = one.stopBefore(290)
  const copy = dav('COPY', '/dav/from/d', { destination: '/dav/to/copy' })
  await reached
  t.deepEqual(await journal(server, 'to'), [])
  t.is((await dav('PROPFIND', '/dav/to', { depth: '1' })).text.split('<D:response>').length, 2)
  t.is((await dav('PUT', '/dav/to/other', {}, 'x')).status, 201)
  goOn()
  t.is((await copy).status, 201)
  t.deepEqual((await journal(server, 'to')).slice(0, 2), ['create other', 'create copy'])
  t.is((await dav('GET', '/dav/to/copy/e/299')).text, '299')
  t.is((await dav('PROPFIND', '/dav/to/copy', { depth: 'infinity' })).text.split('<D:response>').length, 303)
})

test('a client that goes away gets nothing, and nothing stays', async (t) => {
  const one = await held(t)
  const { server } = one
  await spaces(one)
  const { reached, goOn } = one.stopBefore(280)
  const wire = await Wire.open(server.port)
  const authorization = `Authorization: Bearer ${server.token}`
  wire.send(`COPY /dav/from/d HTTP/1.1\r\nHost: x\r\n${authorization}\r\nDestination: /dav/to/copy\r\n\r\n`)
  await reached
  wire.close()
  // The server has noticed when it has answered somebody who came later on a connection of his own.
  await davOf(server, server)('PROPFIND', '/dav/to', { depth: '0' })
  goOn()
  while ((await pendingBlobs(server)) > 0) await new Promise((resolve) => setImmediate(resolve))
  t.deepEqual(await journal(server, 'to'), [])
  await nothingLeft(t, server)
})

test('who loses access on the way, to either space, gets nothing', async (t) => {
  for (const lost of ['from', 'to']) {
    const one = await held(t)
    const { server } = one
    await spaces(one)
    const bob = await server.user('bob', { plan: 'premium' })
    for (const name of ['from', 'to']) await share(server, name, name === 'to' ? '~rw' : '', bob)
    const { reached, goOn } = one.stopBefore(100)
    const copy = davOf(server, bob)('COPY', '/dav/@ann~from/d', { destination: '/dav/@ann~to/copy' })
    await reached
    const id =
      (await server.directory.listSpaces(server.account.id)).find(({ name }) => name === lost)?.id ?? ''
    const target = lost === 'to' ? `@ann~with-to~rw` : '@ann~with-from'
    await server.directory.shares.delete(server.account.id, id, target)
    goOn()
    const { status, text } = await copy
    t.is(status, 404, text)
    t.true(text.includes(`@ann~${lost}`), text)
    t.deepEqual(await journal(server, 'to'), [])
    await nothingLeft(t, server)
  }
})

test('a member copies into a shared space; a space that he does not see is not there', async (t) => {
  const one = await held(t)
  const { server } = one
  await spaces(one)
  const bob = await server.user('bob', { plan: 'premium' })
  await bob.fetch('/v1/code/spaces/own', { method: 'PUT' })
  await share(server, 'to', '~rw', bob)
  const asBob = davOf(server, bob)
  t.is((await asBob('PUT', '/dav/own/f', {}, 'mine')).status, 201)
  t.is((await asBob('COPY', '/dav/own/f', { destination: '/dav/@ann~to/f' })).status, 201)
  t.is((await asBob('GET', '/dav/@ann~to/f')).text, 'mine')
  t.is((await asBob('COPY', '/dav/@ann~to/f', { destination: '/dav/own/g' })).status, 201)
  refusedAs(t, await asBob('COPY', '/dav/own/f', { destination: '/dav/@ann~from/f' }), 404, '@ann~from')
  refusedAs(t, await asBob('COPY', '/dav/own/f', { destination: '/dav/none/f' }), 404, 'none')
  refusedAs(t, await asBob('COPY', '/dav/@ann~from/d', { destination: '/dav/own/d' }), 404, '@ann~from')
})

test('over the limits: said before a byte is copied, or when it no longer fits', async (t) => {
  const one = await held(t)
  const dav = await spaces(one)
  const { reached, goOn } = one.stopBefore(200)
  const copy = dav('COPY', '/dav/from/d', { destination: '/dav/to/d' })
  await reached
  t.is((await dav('PUT', '/dav/to/d', {}, 'in the way')).status, 201)
  await dav(
    'LOCK',
    '/dav/to/d',
    {},
    '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>',
  )
  goOn()
  t.is((await copy).status, 423)
  t.is((await dav('GET', '/dav/to/d')).text, 'in the way')
  one.stopBefore(1)
  const overwrite = { destination: '/dav/to/d', overwrite: 'F' }
  t.is((await dav('COPY', '/dav/from/d', overwrite)).status, 412)
  t.is((await dav('COPY', '/dav/from/d', { destination: '/dav/to/no/d' })).status, 409)
})
