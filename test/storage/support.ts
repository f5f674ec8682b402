/** Requests to `/api/v1/space`, and what must be left behind when one fails: nothing. */
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ExecutionContext } from 'ava'
import { fsck } from '../../src/space/fsck.js'
import { json, jsonBody } from '../support/http.js'
import type { TestServer, TestUser } from '../support/server.js'

export const ROOT = '/api/v1/space'

/** Files of one space, in the name of one user. */
export interface Storage {
  /** Shortname. */
  readonly id: string
  readonly name: string
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
  return storageAt(user, { id: made.shortname, space: space?.id ?? '', name })
}

/** The same space in the name of another. */
export function storageAt(
  user: TestUser,
  { id, space, name }: Pick<Storage, 'id' | 'space' | 'name'>,
): Storage {
  const ask: Storage['ask'] = (method, path, init = {}) =>
    user.fetch(`${ROOT}/${id}/storage/${path}`, { method, ...init })
  return {
    id,
    space,
    name,
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

/** What a space holds, to be compared before and after: journal and blobs, once none of those is pending any more. */
export async function stateOf(server: TestServer, { space }: Pick<Storage, 'space'>) {
  const caller = { accountId: '', grant: { space, letter: 'r' } } as const
  const op = { space, caller, limits: server.account.plan }
  const { changes } = await server.spaces.changes(op, { since: 0, limit: 1000 })
  await nothingPending(server, space)
  const blobs: string[] = []
  for await (const { blob } of server.blobs.list(space)) blobs.push(blob)
  return { changes, blobs: blobs.sort() }
}

async function nothingPending({ blobs }: TestServer, space: string): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    let pending = 0
    for await (const one of blobs.pending(Date.now() + 60_000)) if (one.space === space) pending++
    if (pending === 0) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error('a pending blob stays behind')
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
  const redis = await server.redis.connect('fsck')
  const { problems } = await fsck({ redis, blobs: server.blobs }, { spaces: [storage.space] })
  redis.disconnect()
  t.deepEqual(problems, [])
}

/** Another server, that files are fetched from. */
export async function listen(listener: RequestListener) {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}
