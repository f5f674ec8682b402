import { setTimeout as delay } from 'node:timers/promises'
import { type Cluster, Redis } from 'ioredis'
import { parseInfo } from '../../src/redis/checks.js'
import { slotOf } from '../../src/redis/slots.js'
import { freePorts } from './ports.js'
import { Clients } from './redis.js'
import { type RedisServer, redisServer } from './redis-process.js'

const SLOTS = 16_384
const MASTERS = 3

/** A Redis Cluster on loopback: three masters, each with a replica. */
export interface TestCluster {
  /** REDIS_URL. */
  readonly url: string
  /** The nodes; the first three were masters at the beginning. */
  readonly nodes: readonly ClusterNode[]
  /** A new connection of the kind the server uses; `stop` ends it. `replicas`: see `ConnectOptions`. */
  connect(name?: string, replicas?: number): Promise<Cluster>
  /** The node that is master of a key's slot now. */
  masterOf(key: string): Promise<ClusterNode>
  /** Resolves when every slot has a master and a replica that follows it. */
  isWhole(): Promise<void>
  /** Empties all, and ends the nodes' admin connections: nothing of it keeps the process alive. */
  rest(): Promise<void>
  /** Ready again, after `rest`. */
  wake(): Promise<void>
  stop(): Promise<void>
}

export interface ClusterNode {
  readonly id: string
  readonly port: number
  readonly server: RedisServer
  /** A connection to this node alone, which follows no redirections. */
  readonly admin: Redis
}

export async function testCluster(settings: Readonly<Record<string, string>> = {}): Promise<TestCluster> {
  const ports = await freePorts(4 * MASTERS)
  const starting = Array.from({ length: 2 * MASTERS }, (_, index) =>
    startNode(ports[2 * index] as number, ports[2 * index + 1] as number, index, settings),
  )
  const nodes = await Promise.all(starting).catch(async (error: unknown) => {
    // Connections that stay would keep the test process waiting for ever.
    for (const started of await Promise.allSettled(starting))
      if (started.status === 'fulfilled') await endNode(started.value)
    throw error
  })
  await join(nodes)
  const url = `redis-cluster://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`
  const all = new Map<number, Clients>()
  return {
    url,
    nodes: nodes.map(({ id, port, server, admin }) => ({ id, port, server, admin })),
    connect: async (name, replicas = 0) => {
      const clients = all.get(replicas) ?? new Clients(url, replicas)
      all.set(replicas, clients)
      return (await clients.connect(name)) as Cluster
    },
    masterOf: async (key) => {
      const slot = slotOf(key)
      for (const { admin } of nodes) {
        const ranges = (await admin.cluster('SLOTS').catch(() => [])) as [number, number, [string, number]][]
        const range = ranges.find(([from, to]) => from <= slot && slot <= to)
        const master = nodes.find(({ port }) => port === range?.[2][1])
        if (master) return master
      }
      throw new Error(`Nobody serves the slot of ${key}.`)
    },
    isWhole: () => whole(nodes),
    rest: async () => {
      for (const clients of all.values()) clients.end()
      for (const { admin } of nodes) {
        await admin.flushall().catch(() => {})
        admin.disconnect()
      }
    },
    wake: async () => {
      await Promise.all(nodes.map(({ admin }) => admin.connect()))
    },
    stop: async () => {
      for (const clients of all.values()) clients.end()
      for (const node of nodes) await endNode(node)
    },
  }
}

interface StartedNode extends ClusterNode {
  readonly bus: number
}

async function startNode(
  port: number,
  bus: number,
  index: number,
  settings: Readonly<Record<string, string>>,
): Promise<StartedNode> {
  const server = redisServer(
    () => ({
      port: String(port),
      bind: '127.0.0.1',
      'cluster-enabled': 'yes',
      'cluster-port': String(bus),
      'cluster-node-timeout': '1500',
      'cluster-require-full-coverage': 'no',
      'repl-diskless-sync-delay': '0',
      'repl-ping-replica-period': '1',
      'enable-debug-command': 'local',
      save: '',
      appendonly: 'no',
      ...settings,
    }),
    () => port,
  )
  await server.start()
  // What a node that is away is asked fails at once.
  const admin = new Redis(port, '127.0.0.1', { protocol: 2, maxRetriesPerRequest: 0 })
  admin.on('error', () => {})
  if (index < MASTERS) {
    const from = Math.floor((SLOTS * index) / MASTERS)
    const to = Math.floor((SLOTS * (index + 1)) / MASTERS) - 1
    await admin.cluster('ADDSLOTSRANGE', from, to)
  }
  await admin.cluster('SET-CONFIG-EPOCH', index + 1)
  return { id: await admin.cluster('MYID'), port, bus, server, admin }
}

async function endNode({ admin, server }: StartedNode): Promise<void> {
  admin.disconnect()
  await server.remove()
}

/** Introduces the nodes to each other, and resolves when all of them agree. */
async function join(nodes: readonly StartedNode[]): Promise<void> {
  for (const { admin } of nodes) {
    for (const other of nodes) await admin.call('CLUSTER', 'MEET', '127.0.0.1', other.port, other.bus)
  }
  await untilAll(nodes, async ({ admin }) => {
    return parseInfo(await admin.cluster('INFO')).get('cluster_known_nodes') === String(nodes.length)
  })
  for (const [index, { admin }] of nodes.entries()) {
    if (index < MASTERS) continue
    const master = nodes[index - MASTERS] as StartedNode
    while ((await admin.cluster('REPLICATE', master.id).catch(() => 'no')) !== 'OK') await delay(20)
  }
  await whole(nodes)
}

async function untilAll(
  nodes: readonly StartedNode[],
  holds: (node: StartedNode) => Promise<boolean>,
): Promise<void> {
  for (const node of nodes) while (!(await holds(node).catch(() => false))) await delay(20)
}

async function whole(nodes: readonly StartedNode[]): Promise<void> {
  await untilAll(nodes, async ({ admin }) => {
    const info = parseInfo(await admin.cluster('INFO'))
    const role = parseInfo(await admin.info('replication'))
    const serves = info.get('cluster_state') === 'ok' && info.get('cluster_slots_ok') === String(SLOTS)
    return serves && (role.get('role') === 'master' || role.get('master_link_status') === 'up')
  })
  await untilAll(nodes, async ({ admin }) => {
    const ranges = (await admin.cluster('SLOTS')) as unknown[][]
    return ranges.length === MASTERS && ranges.every((range) => range.length === 4)
  })
}
