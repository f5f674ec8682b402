/** Requests to `/api/v1/space`, and what must be left behind when one fails: nothing. */
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ExecutionContext } from 'ava'
import { json, jsonBody } from '../support/http.js'
import { pendingBlobs, settled, type TestServer, type TestUser } from '../support/server.js'

export const ROOT = '/api/v1/space'

export interface Storage {
  /** Shortname. */
  readonly id: string
  /** Its immutable id. */
  readonly space: string
  ask(method: string, path: string, init?: Init): Promise<Response>
  /** `POST …/upload/{path}`, the body as it is. */
  upload(path: string, body: Body, headers?: Record<string, string>): Promise<Response>
  /** The same with a JSON body. */
  describe(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>
  text(path: string): Promise<string>
}
type Body = NonNullable<RequestInit['body']>
type Init = Parameters<TestUser['fetch']>[1]

/** A new space of the user's. */
export async function storageOf(server: TestServer, user: TestUser, name: string): Promise<Storage> {
  const made = await json(await user.fetch(`/v1/code/spaces/${name}`, { method: 'PUT' }))
  const { space } = await server.directory.load(user.token, { name })
  return storageAt(user, made.shortname, space?.id ?? '')
}

export function storageAt(user: TestUser, id: string, space: string): Storage {
  const ask: Storage['ask'] = (method, path, init = {}) =>
    user.fetch(`${ROOT}/${id}/storage/${path}`, { method, ...init })
  return {
    id,
    space,
    ask,
    upload: (path, body, headers = {}) => ask('POST', `upload/${path}`, { body, headers }),
    describe: (path, body, headers = {}) => ask('POST', `upload/${path}`, jsonBody(body, headers)),
    text: async (path) => (await ask('GET', `download/${path}`)).text(),
  }
}

/** Status, code and a message that names what was wrong; and a limit's header. */
export async function refusedWith(
  t: ExecutionContext,
  response: Response,
  status: number,
  code: string,
  ...texts: readonly string[]
): Promise<void> {
  const body = await response.text()
  t.is(response.status, status, body)
  const error = JSON.parse(body)
  t.deepEqual(Object.keys(error), ['message', 'code'])
  t.is(error.code, code, error.message)
  t.regex(error.message, /^\P{Ll}.*[.)]$/su, `a sentence: ${error.message}`)
  for (const text of texts) t.true(error.message.includes(text), `${error.message} should name ${text}`)
  t.is(response.headers.get('x-failure-code'), code === 'LIMITS_REACHED' ? code : null)
}

/** What a space holds, to be compared before and after: journal, tree and blobs. */
export async function stateOf(server: TestServer, { space }: Pick<Storage, 'space'>) {
  await settled(server)
  const op = { space, caller: { accountId: server.account.id }, limits: server.account.plan }
  const { changes } = await server.spaces.changes(op, { since: 0, limit: 1000 })
  const blobs: string[] = []
  for await (const { blob } of server.blobs.list(space)) blobs.push(blob)
  return { changes, blobs: blobs.sort() }
}

/** Runs what must fail, and looks whether it left anything in tree, journal or blob store. */
export async function leavesNothing(
  t: ExecutionContext,
  server: TestServer,
  storage: Storage,
  run: () => Promise<void>,
): Promise<void> {
  const before = await stateOf(server, storage)
  await run()
  t.deepEqual(await stateOf(server, storage), before)
  t.is(await pendingBlobs(server), 0)
}

/** Another server that files are fetched from; it ends with the test. */
export async function origin(
  t: ExecutionContext,
  listener: RequestListener,
): Promise<{ url: string; server: Server; port: number }> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, server, port }
}
