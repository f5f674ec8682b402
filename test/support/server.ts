import { randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { Directory } from '../../src/accounts/directory.js'
import { type PlanOverrides, planTable } from '../../src/accounts/plans.js'
import { Throttle } from '../../src/accounts/throttle.js'
import type { Account } from '../../src/accounts/types.js'
import type { BlobStore } from '../../src/blobs/store.js'
import type { App } from '../../src/http/app.js'
import { createApp } from '../../src/http/app.js'
import type { AppDeps } from '../../src/http/deps.js'
import { Spaces } from '../../src/space/spaces.js'
import { Watcher } from '../../src/space/watcher.js'
import { balancer } from './balancer.js'
import { overriding } from './overriding.js'
import type { TestRedis, TestRedisOptions } from './redis.js'
import { ground } from './setup.js'

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

/** A server, or two that take turns, on a port of its own, with a Redis and a place for blobs of its own. */
export interface TestServer extends TestUser {
  readonly url: string
  readonly port: number
  /** Of the first server, like all that follows. */
  readonly app: App
  readonly redis: TestRedis
  readonly directory: Directory
  readonly spaces: Spaces
  readonly blobs: BlobStore
  /** Where the blobs are, if they are in a folder. */
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

const SETTLING_MS = 10_000
export const PASSWORD = 'correct horse battery staple'

/** On the ground that NOVEM_TEST_SETUP says, see `setup.ts`. */
export async function testServer(options: TestServerOptions = {}): Promise<TestServer> {
  const { redis, folder, servers, openBlobs, stop } = await ground(options.redis)
  const errors: string[] = []
  const urlSecret = randomBytes(32)
  const begin = async () => {
    const client = await redis.connect('server')
    const watcher = new Watcher(await redis.connect('watcher'))
    return startApp({ options, client, watcher, blobs: await openBlobs(client), errors, urlSecret })
  }
  const first = await begin()
  const all = [first, ...(await Promise.all(Array.from({ length: servers - 1 }, begin)))]
  const front = all.length > 1 ? await balancer(all.map((one) => one.port)) : undefined
  const port = front?.port ?? first.port
  const url = `http://127.0.0.1:${port}`
  const { directory, spaces, app } = first
  const blobs = front === undefined ? first.blobs : withPendingOfAll(all.map((one) => one.blobs))
  let turn = 0

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
        // Each request is another server's than the one before it.
        return fetch(`http://127.0.0.1:${all[turn++ % all.length]?.port}${path}`, { ...init, headers })
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
      front?.refuse()
      for (const one of all) await one.stop()
      await front?.stop()
      await stop()
    },
  }
}

/** The first store, which tells of what is undecided in all of them: while they live, each knows only its own. */
function withPendingOfAll(stores: readonly BlobStore[]): BlobStore {
  async function* pending(olderThan: number) {
    const seen = new Set<string>()
    for (const store of stores) {
      for await (const one of store.pending(olderThan)) {
        if (!seen.has(one.blob)) yield one
        seen.add(one.blob)
      }
    }
  }
  return overriding(stores[0] as BlobStore, { pending })
}

interface AppParts {
  readonly options: TestServerOptions
  readonly client: Redis
  readonly watcher: Watcher
  readonly blobs: BlobStore
  readonly errors: string[]
  readonly urlSecret: Buffer
}

async function startApp({ options, client, watcher, blobs, errors, urlSecret }: AppParts) {
  const directory = new Directory(client, { plans: planTable(options.plans) })
  const spaces = new Spaces(client, {
    failed: (error) => errors.push(String(error)),
    mayWrite: (account, space) => directory.visible.mayWrite(account, space),
  })
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
  const stop = async () => {
    await app.close()
    watcher.close()
    await spaces.close()
    await blobs.close()
  }
  return { app, port, directory, spaces, blobs, stop }
}

/** Uploads under way, and blobs of which nobody has said what becomes of them. */
export async function pendingBlobs({ blobs }: Pick<TestServer, 'blobs'>): Promise<number> {
  let count = 0
  for await (const _ of blobs.pending(Date.now() + 60_000)) count++
  return count
}

/** Resolves when there are none any more. */
export async function settled(server: Pick<TestServer, 'blobs'>): Promise<void> {
  const deadline = Date.now() + SETTLING_MS
  while ((await pendingBlobs(server)) > 0) {
    if (Date.now() > deadline) throw new Error('a pending blob stays behind')
    await delay(2)
  }
}
