import { join } from 'node:path'
import { Cluster, type Redis } from 'ioredis'
import { connectRedis } from '../../src/redis/connect.js'
import type { RedisClient } from '../../src/redis/scripts.js'
import { redisServer } from './redis-process.js'

export interface TestRedisOptions {
  /** Keep an append-only file, so that data survive `kill9` and `restart`. */
  readonly aof?: 'always' | 'everysec'
  /** Further `redis-server` settings, e.g. `{ maxmemory: '10mb' }`. */
  readonly settings?: Readonly<Record<string, string>>
}

/** A private Redis of one test file. */
export interface TestRedis {
  /** Also its REDIS_URL. */
  readonly socket: string
  /** A new connection of the kind the server uses; `stop` ends it. */
  connect(name?: string): Promise<Redis>
  /** Ends all connections and Redis. */
  stop(): Promise<void>
  /** SIGKILL, resolved when Redis is gone. */
  kill9(): Promise<void>
  /** Starts it again after `kill9`; resolves when it has loaded. Existing connections find it again. */
  restart(): Promise<void>
}

/** Starts a Redis on a unix socket in a temp folder of its own. Goes with the test process at the latest. */
export async function testRedis(options: TestRedisOptions = {}): Promise<TestRedis> {
  const server = redisServer(
    (folder) => ({
      port: '0',
      unixsocket: join(folder, 'redis.sock'),
      save: '',
      appendonly: options.aof ? 'yes' : 'no',
      appendfsync: options.aof ?? 'no',
      ...options.settings,
    }),
    (folder) => join(folder, 'redis.sock'),
  )
  const socket = join(server.folder, 'redis.sock')
  const clients = new Clients(socket)
  await server.start()
  return {
    socket,
    connect: async (name) => (await clients.connect(name)) as Redis,
    stop: async () => {
      clients.end()
      await server.remove()
    },
    kill9: () => server.signal('SIGKILL'),
    restart: async () => {
      await server.signal('SIGTERM')
      await server.start()
    },
  }
}

/** The names of all keys, on all nodes of a cluster. */
export async function everyKey(redis: RedisClient): Promise<string[]> {
  const nodes = redis instanceof Cluster ? redis.nodes('master') : [redis]
  return (await Promise.all(nodes.map((node) => node.keys('*')))).flat()
}

/** Connections of the kind the server uses. */
export class Clients {
  readonly #open: RedisClient[] = []

  constructor(
    readonly url: string,
    readonly replicas = 0,
  ) {}

  async connect(name = 'test'): Promise<RedisClient> {
    const client = await connectRedis(this.url, { name, replicas: this.replicas })
    this.#open.push(client)
    return client
  }

  end(): void {
    for (const client of this.#open) client.disconnect()
  }
}
