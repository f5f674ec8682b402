/** Where Redis is, out of REDIS_URL. */
export type RedisAddress =
  /** In the form that ioredis takes: a URL, or the path of a unix socket. */
  | { readonly kind: 'single'; readonly target: string }
  | (SentinelPlace & ManyNodes)
  | ({ readonly kind: 'cluster' } & ManyNodes)

interface SentinelPlace {
  readonly kind: 'sentinel'
  readonly master: string
  readonly db: number
  /** Of the sentinels themselves; `password` is Redis'. */
  readonly sentinelPassword?: string
}

interface ManyNodes {
  readonly nodes: readonly RedisNode[]
  readonly tls: boolean
  readonly username?: string
  readonly password?: string
}

export interface RedisNode {
  readonly host: string
  readonly port: number
}

const FORMS =
  'use redis://host:port, rediss://host:port, redis-sentinel://host:port,host:port/master-name, ' +
  'redis-cluster://host:port,host:port, or the path of a unix socket.'

const MANY =
  /^redis(?<tls>s?)-(?<kind>sentinel|cluster):\/\/(?:(?<user>[^@/]*)@)?(?<nodes>[^@/]+)(?:\/(?<path>.*))?$/
const SENTINEL_PATH = /^(?<master>[\w.-]+)(?:\/(?<db>\d{1,3}))?(?:\?sentinelPassword=(?<secret>[^&]*))?$/
const NODE = /^(?<host>\[[0-9a-f:]+\]|[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?):(?<port>\d{1,5})$/i

/** Raises where `url` is none of the forms that its message names. */
export function parseRedisUrl(url: string): RedisAddress {
  const unix = /^(?:redis\+unix|unix):\/\/(\/.*)$/.exec(url)
  if (unix?.[1]) return { kind: 'single', target: unix[1] }
  if (/^\/[^/]/.test(url)) return { kind: 'single', target: url }
  if (/^rediss?:\/\//.test(url) && URL.canParse(url)) return { kind: 'single', target: url }
  const { tls, kind, user, nodes: list = '', path = '' } = MANY.exec(url)?.groups ?? {}
  const nodes = list.split(',').flatMap(parseNode)
  if (nodes.length === list.split(',').length) {
    const many = { nodes, tls: tls === 's', ...credentials(user) }
    if (kind === 'cluster' && path === '') return { kind, ...many }
    const { master, db = '0', secret } = SENTINEL_PATH.exec(path)?.groups ?? {}
    if (kind === 'sentinel' && master !== undefined) {
      const secrets = secret === undefined ? {} : { sentinelPassword: decodeURIComponent(secret) }
      return { kind, master, db: Number(db), ...many, ...secrets }
    }
  }
  throw new Error(`"${shownUrl(url)}" is not a Redis address; ${FORMS}`)
}

/** The address without its passwords, fit for logs. */
export function shownUrl(url: string): string {
  return url.replace(/^([a-z+-]+:\/\/[^/@]*?):[^/@]*@/, '$1:***@').replace(/(password=)[^&]*/i, '$1***')
}

function parseNode(text: string): RedisNode[] {
  const { host, port } = NODE.exec(text)?.groups ?? {}
  if (host === undefined || Number(port) > 65_535) return []
  return [{ host: host.replace(/^\[|\]$/g, ''), port: Number(port) }]
}

/** `user:password`, either of which may be empty. */
function credentials(user: string | undefined): { username?: string; password?: string } {
  const [, username = '', password = ''] = /^([^:]*):?(.*)$/.exec(user ?? '') ?? []
  return {
    ...(username && { username: decodeURIComponent(username) }),
    ...(password && { password: decodeURIComponent(password) }),
  }
}
