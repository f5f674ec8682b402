import { Cluster, type Redis } from 'ioredis'
import type { Log } from '../log.js'
import type { RedisClient } from './scripts.js'

/** What we ask of the clocks: blobs and operations are searched by time, with five minutes to spare. */
const CLOCK_WARN_MS = 10_000
const CLOCK_REFUSE_MS = 5 * 60_000

/**
 * Can this Redis be trusted with a file store? Version 7 or newer, never evicts, takes writes, has our time; a cluster
 * serves all its slots. Each master of a cluster is asked. Rejects with an Error that says what to change; warns where
 * Redis does not persist, or has fewer replicas than writes wait for.
 */
export async function checkRedis(redis: RedisClient, replicas: number, log: Log): Promise<void> {
  const nodes = redis instanceof Cluster ? redis.nodes('master') : [redis]
  if (redis instanceof Cluster) await checkCluster(redis)
  for (const node of nodes) await checkNode(node, replicas, log)
}

const SLOTS = 16_384

async function checkCluster(cluster: Cluster): Promise<void> {
  const served = cluster.slots.filter((nodes) => nodes?.[0] !== undefined).length
  const [node] = cluster.nodes('master')
  const state = node && parseInfo((await node.cluster('INFO')) as string).get('cluster_state')
  if (served === SLOTS && state === 'ok') return
  throw new Error(
    `the cluster does not work: ${served} of ${SLOTS} slots are served, and its state is "${state ?? 'fail'}".`,
  )
}

async function checkNode(node: Redis, replicas: number, log: Log): Promise<void> {
  const info = parseInfo(await node.info())
  const name = node.options.path ?? `${node.options.host}:${node.options.port}`
  const version = info.get('redis_version') ?? 'unknown'
  if (!(Number.parseInt(version, 10) >= 7)) {
    throw new Error(`it is version ${version}, and novem-spaces needs Redis 7 or newer.`)
  }
  const policy = info.get('maxmemory_policy')
  if (policy !== 'noeviction') {
    throw new Error(
      `its maxmemory-policy is "${policy}", so it may throw files' entries away; set "maxmemory-policy noeviction".`,
    )
  }
  if (info.get('role') === 'slave') {
    throw new Error(
      `it is a replica of ${info.get('master_host')}:${info.get('master_port')}; connect to the master.`,
    )
  }
  if (info.get('aof_enabled') !== '1') {
    log.warn(
      `Redis at ${name} keeps no append-only file: acknowledged changes are lost when it stops. Set "appendonly yes".`,
    )
  }
  const connected = Number(info.get('connected_slaves') ?? 0)
  if (connected < replicas) {
    log.warn(
      `Redis at ${name} has ${connected} replicas, and every change waits for ${replicas} (REDIS_WAIT): until there are as many, changes are refused.`,
    )
  }
  await checkClock(node, name, log)
}

async function checkClock(node: Redis, name: string, log: Log): Promise<void> {
  const asked = Date.now()
  const [seconds, micros] = (await node.time()).map(Number)
  const took = Date.now() - asked
  const off = Math.abs((seconds ?? 0) * 1000 + (micros ?? 0) / 1000 - (asked + took / 2)) - took / 2
  if (off < CLOCK_WARN_MS) return
  const text = `its clock and this machine's are ${Math.round(off / 1000)} seconds apart; let both follow a time server.`
  if (off >= CLOCK_REFUSE_MS) throw new Error(text)
  log.warn(`Redis at ${name}: ${text}`)
}

/** The fields of an INFO answer. */
export function parseInfo(text: string): ReadonlyMap<string, string> {
  return new Map(
    text
      .split('\r\n')
      .filter((line) => line.includes(':'))
      .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]),
  )
}
