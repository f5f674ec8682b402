import { once } from 'node:events'
import test from 'ava'
import type { Directory } from '../../src/accounts/directory.js'
import type { TreeOperations } from '../../src/space/operations.js'
import { Wire } from '../support/http.js'
import { overriding } from '../support/overriding.js'
import { testServer } from '../support/server.js'

test('the server is closed only when a change whose client has gone is done', async (t) => {
  const order: string[] = []
  let begun = () => {}
  const writing = new Promise<void>((resolve) => {
    begun = resolve
  })
  let finish = () => {}
  const held = new Promise<void>((resolve) => {
    finish = resolve
  })
  const server = await testServer({
    wrap: (deps) => {
      const write: TreeOperations['write'] = async (...args) => {
        begun()
        await held
        const result = await deps.tree.write(...args)
        order.push('written')
        return result
      }
      return { ...deps, tree: overriding(deps.tree, { write }) }
    },
  })
  t.teardown(() => server.stop())
  await server.fetch('/v1/code/spaces/s', { method: 'PUT' })

  const wire = await Wire.open(server.port)
  wire.send(
    `POST /v1/code/spaces/s/content/a.txt HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${server.token}\r\nContent-Length: 1\r\n\r\nx`,
  )
  await writing
  wire.close()
  const noConnections = once(server.app.server, 'close')
  const closed = server.app.close().then(() => order.push('closed'))
  await noConnections
  finish()
  await closed
  t.deepEqual(order, ['written', 'closed'])
})

const WHOLE = {
  'a PUT that may mean a folder': [
    'PUT',
    '/v1/code/spaces/s/content/a/',
    'text/plain',
    '1\r\nx\r\n0\r\n\r\n',
  ],
  'an upload that is described': [
    'POST',
    '/api/v1/space/ann~s/storage/upload/a',
    'application/json',
    '2\r\n{}\r\n0\r\n\r\n',
  ],
  'a form': [
    'POST',
    '/api/v1/space/ann~s/storage/upload/a',
    'multipart/form-data; boundary=b',
    '5\r\n--b--\r\n0\r\n\r\n',
  ],
  'a MKCOL': ['MKCOL', '/dav/s/a', 'text/plain', '1\r\nx\r\n0\r\n\r\n'],
} as const

for (const [what, [method, path, type, body]] of Object.entries(WHOLE)) {
  test(`${what}, whose client has gone behind its whole body, ends`, async (t) => {
    let holds = false
    let begun = () => {}
    const loading = new Promise<void>((resolve) => {
      begun = resolve
    })
    let finish = () => {}
    const held = new Promise<void>((resolve) => {
      finish = resolve
    })
    const server = await testServer({
      wrap: (deps) => {
        const load: Directory['load'] = async (token, target) => {
          if (holds) {
            begun()
            await held
          }
          return deps.directory.load(token, target)
        }
        return { ...deps, directory: overriding(deps.directory, { load }) }
      },
    })
    await server.fetch('/v1/code/spaces/s', { method: 'PUT' })
    holds = true
    const wire = await Wire.open(server.port)
    const headers = `Host: x\r\nAuthorization: Bearer ${server.token}\r\nContent-Type: ${type}\r\nTransfer-Encoding: chunked`
    wire.send(`${method} ${path} HTTP/1.1\r\n${headers}\r\n\r\n${body}`)
    await loading
    wire.close()
    const noConnections = once(server.app.server, 'close')
    const closed = server.app.close()
    await noConnections
    finish()
    await closed
    t.deepEqual(server.errors, [])
    await server.stop()
  })
}

test('answers behind one that is not ready end with their connection', async (t) => {
  const server = await testServer()
  await server.fetch('/v1/code/spaces/s', { method: 'PUT' })
  const content = '/v1/code/spaces/s/content'
  // More than a connection takes at once.
  await server.fetch(`${content}/large`, { method: 'POST', body: Buffer.alloc(5_000_000) })
  const names = Array.from({ length: 100 }, (_, n) => `${content}/folder/${n}-${'x'.repeat(200)}`)
  await Promise.all(names.map((path) => server.fetch(path, { method: 'POST', body: 'x' })))
  const wire = await Wire.open(server.port)
  const head = `HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${server.token}\r\n`
  const answered = once(server.app.server, 'request')
  for (const path of [
    '/v1/code/spaces/s/changes?since=999&wait=60',
    `${content}?recursive=true`,
    `${content}/large`,
    '/dav/s/large',
    '/v1/code/spaces/s/changes?since=999&wait=60',
  ]) {
    wire.send(`GET ${path} ${head}\r\n`)
  }
  wire.send(`GET /v1/code/spaces/s/changes?since=999 ${head}Accept: text/event-stream\r\n\r\n`)
  await answered
  // Until all are at work: each asks Redis who asks.
  await server.fetch('/v1/whoami')
  wire.close()
  await server.app.close()
  t.deepEqual(server.errors, [])
  await server.stop()
})
