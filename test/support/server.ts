import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { Directory } from '../../src/accounts/directory.js'
import { type PlanOverrides, planTable } from '../../src/accounts/plans.js'
import { Throttle } from '../../src/accounts/throttle.js'
import type { Account } from '../../src/accounts/types.js'
import { bindStore, folderPlace } from '../../src/binding.js'
import { LocalBlobStore } from '../../src/blobs/local/store.js'
import { createApp } from '../../src/http/app.js'
import type { AppDeps } from '../../src/http/deps.js'
import { Spaces } from '../../src/space/spaces.js'
import { Watcher } from '../../src/space/watcher.js'
import { type TestRedis, type TestRedisOptions, testRedis } from './redis.js'

export interface TestServerOptions {
  readonly plans?: PlanOverrides
  readonly settings?: AppDeps['settings']
  /** The plan of the account that is there from the start; `premium` unless said. */
  readonly plan?: string
  readonly redis?: TestRedisOptions
  /** Puts something between the server and its parts. */
  readonly wrap?: (deps: AppDeps) => AppDeps
}

/** An account with a token, and requests in its name. */
export interface TestUser {
  readonly account: Account
  readonly token: string
  /** Sends a request with the user's token; `path` begins with a slash and goes out as it is. */
  fetch(path: string, init?: RequestInit & { readonly duplex?: 'half' }): Promise<Response>
}

/** A server on a port of its own, with a private Redis and a folder of its own for blobs. */
export interface TestServer extends TestUser {
  readonly url: string
  readonly port: number
  readonly app: FastifyInstance
  readonly redis: TestRedis
  readonly directory: Directory
  readonly spaces: Spaces
  readonly blobs: LocalBlobStore
  /** Where the blobs are. */
  readonly folder: string
  readonly urlSecret: Buffer
  /** What the server has logged as errors. */
  readonly errors: readonly string[]
  user(name: string, options?: NewUser): Promise<TestUser>
  stop(): Promise<void>
}

interface NewUser {
  readonly plan?: string
  readonly spacesEnabled?: boolean
  /** Hashing one takes its time, so only tests of passwords give one. */
  readonly password?: string
}

export const PASSWORD = 'correct horse battery staple'

export async function testServer(options: TestServerOptions = {}): Promise<TestServer> {
  const redis = await testRedis(options.redis)
  const folder = await mkdtemp('/tmp/novem-http-')
  const client = await redis.connect('server')
  const blobs = new LocalBlobStore(folder, { durability: 'os' })
  await blobs.open()
  await bindStore(client, folderPlace(folder))
  const directory = new Directory(client, { plans: planTable(options.plans) })
  const errors: string[] = []
  const spaces = new Spaces(client, {
    failed: (error) => errors.push(String(error)),
    mayWrite: (account, space) => directory.visible.mayWrite(account, space),
  })
  const watcher = new Watcher(await redis.connect('watcher'))
  const urlSecret = randomBytes(32)
  const deps: AppDeps = {
    tree: spaces,
    blobs,
    directory,
    watcher,
    throttle: new Throttle(client),
    urlSecret,
    settings: options.settings ?? {},
    log: { info() {}, warn: (line) => errors.push(line), error: (line) => errors.push(line) },
    health: { redis: () => client.ping() },
  }
  const app = createApp(options.wrap?.(deps) ?? deps)
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}`

  const user: TestServer['user'] = async (name, { plan = 'basic', spacesEnabled = true, password } = {}) => {
    const account = await directory.createAccount({
      name,
      email: `${name}@example.org`,
      plan,
      password,
      spacesEnabled,
    })
    const { token } = await directory.createToken(account.id, { name: 'test' })
    return {
      account,
      token,
      fetch: (path, init = {}) => {
        const headers = new Headers(init.headers)
        if (!headers.has('authorization')) headers.set('authorization', `Bearer ${token}`)
        return fetch(url + path, { ...init, headers })
      },
    }
  }
  return {
    ...(await user('ann', { plan: options.plan ?? 'premium' })),
    url,
    port,
    app,
    redis,
    directory,
    spaces,
    blobs,
    folder,
    urlSecret,
    errors,
    user,
    stop: async () => {
      await app.close()
      watcher.close()
      await spaces.close()
      await blobs.close()
      await redis.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Uploads under way, and blobs of which nobody has said what becomes of them. */
export async function pendingBlobs({ blobs }: Pick<TestServer, 'blobs'>): Promise<number> {
  let count = 0
  for await (const _ of blobs.pending(Date.now() + 60_000)) count++
  return count
}

/** Resolves when there are none any more. */
export async function settled(server: Pick<TestServer, 'blobs'>): Promise<void> {
  for (let tries = 0; (await pendingBlobs(server)) > 0; tries++) {
    if (tries > 2000) throw new Error('a pending blob stays behind')
    await new Promise((resolve) => setImmediate(resolve))
  }
}
