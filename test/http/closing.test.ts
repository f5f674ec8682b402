import { once } from 'node:events'
import test from 'ava'
import type { TreeOperations } from '../../src/space/operations.js'
import { Wire } from '../support/http.js'
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
      return {
        ...deps,
        tree: new Proxy(deps.tree, { get: (tree, name) => (name === 'write' ? write : bound(tree, name)) }),
      }
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

function bound(tree: TreeOperations, name: string | symbol): unknown {
  const value = Reflect.get(tree, name)
  return typeof value === 'function' ? value.bind(tree) : value
}
