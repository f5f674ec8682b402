import { userInfo } from 'node:os'
import { accountName } from '../../../src/first-account.js'
import { redisPid, startServerProcess } from '../../support/cli.js'
import type { Peer } from './peer.js'
import { withChildren } from './processes.js'

export interface OursOptions {
  readonly durability?: 'os' | 'full'
  readonly workers?: number
  /** For the Node of the server's process. */
  readonly nodeArguments?: readonly string[]
}

/** Our server; `base` is the content of the space `files`. */
export interface Ours extends Peer {
  readonly url: string
  /** The server itself, without Redis and workers. */
  readonly pid: number
  /** The name of the account that is there from the start. */
  readonly account: string
  readonly token: string
  /** `/v1/code/spaces`. */
  readonly spaces: string
  /** The same space over WebDAV. Ends with the server. */
  readonly dav: Peer
}

/** Our server as an operator runs it, on its embedded Redis, with its data in `folder`. */
export async function startOurs(folder: string, options: OursOptions = {}): Promise<Ours> {
  const { durability = 'os', workers = 1, nodeArguments } = options
  const settings = { DURABILITY: durability, WORKERS: String(workers), LOG_LEVEL: 'warn' }
  const server = await startServerProcess(folder, settings, nodeArguments)
  const token = server.token as string
  const spaces = `${server.url}/v1/code/spaces`
  const name = `ours${workers > 1 ? `, ${workers} workers` : ''}${durability === 'full' ? ', durable' : ''}`
  const pids = () => [...new Set([...withChildren(server.pid), redisPid(folder)])]
  const account = accountName(userInfo().username)
  const basic = `Basic ${Buffer.from(`${account}:${token}`).toString('base64')}`
  return {
    name,
    base: `${spaces}/files/content/`,
    headers: { Authorization: `Bearer ${token}` },
    url: server.url,
    pid: server.pid,
    account,
    token,
    spaces,
    makesFoldersBy: 'PUT',
    pids,
    dav: {
      name,
      base: `${server.url}/dav/files/`,
      headers: { Authorization: basic },
      makesFoldersBy: 'MKCOL',
      pids,
      end: async () => {},
    },
    end: async () => {
      await server.end('SIGTERM')
    },
  }
}
