import { redisPid, startServerProcess } from '../../support/cli.js'
import type { Peer } from './peer.js'

export interface Ours extends Peer {
  /** `/v1/code/spaces`. */
  readonly spaces: string
  readonly pid: number
  readonly redisPid: number
}

/** Our server as an operator runs it, on its embedded Redis, with its data in `folder`. */
export async function startOurs(folder: string, durability: 'os' | 'full', where: string): Promise<Ours> {
  const server = await startServerProcess(folder, { DURABILITY: durability, LOG_LEVEL: 'warn' })
  const spaces = `${server.url}/v1/code/spaces`
  return {
    name: `ours, --durability ${durability}, ${where}`,
    base: `${spaces}/files/content/`,
    headers: { Authorization: `Bearer ${server.token}` },
    spaces,
    pid: server.pid,
    redisPid: redisPid(folder),
    end: async () => {
      await server.end('SIGTERM')
    },
  }
}
