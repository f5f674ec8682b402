import { type Cluster, Command, type Redis } from 'ioredis'

/** A key's or a channel's slot in a cluster. */
export function slotOf(key: string): number {
  return new Command('get', [key]).getSlot() as number
}

/** The connection to the master of a key's slot, as far as the client knows; undefined where it knows none. */
export function masterOf(cluster: Cluster, key: string): Redis | undefined {
  const [name] = cluster.slots[slotOf(key)] ?? []
  return cluster.nodes('all').find(({ options }) => `${options.host}:${options.port}` === name)
}
