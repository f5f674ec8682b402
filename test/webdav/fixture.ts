import test from 'ava'
import { type TestServer, type TestServerOptions, testServer } from '../support/server.js'
import { type DavRequest, davOf } from './support.js'

export interface Fixture {
  /** There while tests run. */
  readonly server: TestServer
  /** A request of the server's own account. */
  readonly dav: DavRequest
  /** A space of the test's own. */
  space(): Promise<{ readonly name: string; readonly root: string }>
}

/** A server for all tests of the file. */
export function withServer(options: TestServerOptions = { plan: 'enterprise' }): Fixture {
  let server: TestServer | undefined
  let spaces = 0
  const running = (): TestServer => {
    if (!server) throw new Error('the server is there while tests run')
    return server
  }
  test.before(async () => {
    server = await testServer(options)
  })
  test.after.always(() => server?.stop())
  return {
    get server() {
      return running()
    },
    dav: (...request) => davOf(running(), running())(...request),
    space: async () => {
      const name = `s${++spaces}`
      await running().fetch(`/v1/code/spaces/${name}`, { method: 'PUT' })
      return { name, root: `/dav/${name}` }
    },
  }
}
