import { resolve } from 'node:path'
import { type Command, Option } from 'commander'
import type { AddressRange } from './http/remote/addresses.js'
import type { Durability } from './redis/process.js'
import {
  bucket,
  host,
  httpUrl,
  mailAddress,
  oneOf,
  origins,
  port,
  ranges,
  redisUrl,
  replicas,
  rows,
  seconds,
  smtpUrl,
  workers,
} from './setting-values.js'

/** Where the data are: what every command needs. */
export interface StoreConfig {
  /** Absolute. Holds the blobs, and the embedded Redis' data where `redisUrl` is absent. */
  readonly dataDir: string
  /** An operator's own Redis instead of the embedded one. */
  readonly redisUrl?: string
  /** Changes are acknowledged when so many replicas of Redis have them; none unless said. */
  readonly redisWait?: number
  readonly durability: Durability
  readonly s3?: S3Config
}

export interface S3Config {
  readonly bucket: string
  /** What all keys begin with: empty, or it ends in a slash. */
  readonly prefix: string
  /** Absent: Amazon's own. */
  readonly endpoint?: string
  readonly region?: string
}

export interface ServeConfig extends StoreConfig {
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  /** Processes that answer requests. */
  readonly workers: number
  /** What links begin with, without a slash at the end; absent: the address the server listens on. */
  readonly publicUrl?: string
  /** Origins whose pages may call us from a browser; `*` among them lets all in. */
  readonly corsOrigins: readonly string[]
  /** Ranges of addresses that uploads by URL may be fetched from besides public ones. */
  readonly fetchAllow: readonly AddressRange[]
  /** Where download URLs of the storage surface lead: to us, or to the bucket itself. */
  readonly s3Downloads: 'served' | 'direct'
  /** How deep a PROPFIND may look. */
  readonly davDepth: 'infinity' | '1'
  readonly logLevel: LogLevel
  readonly accessLog: 'on' | 'off'
  /** Where metrics are served; absent: nowhere, and nothing is measured. */
  readonly metricsPort?: number
  readonly metricsHost: string
  /** Proxies whose word on the client's address and scheme counts. */
  readonly trustProxy: readonly AddressRange[]
  /** Rows of each journal that stay in Redis. */
  readonly journalKeep: number
  /** How long the bytes of deleted files stay, in seconds: longer than a backup takes. */
  readonly freedGrace: number
  /** How long requests are still taken after the server has said that it is about to stop, in seconds. */
  readonly drainWait: number
  /** The mail server that takes invitations; absent: none are mailed. */
  readonly smtpUrl?: string
  /** The address they come from. */
  readonly mailFrom?: string
}

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** One setting: its flag, its environment variable, and how its text is checked. */
interface Setting {
  readonly flags: string
  readonly env: string
  readonly help: string
  readonly fallback?: string
  /** Raises InvalidArgumentError; commander adds the name and the value that were given. */
  readonly parse: (text: string) => unknown
}

const STORE_SETTINGS: readonly Setting[] = [
  {
    flags: '--data-dir <folder>',
    env: 'DATA_DIR',
    help: 'folder for the files’ bytes and the embedded Redis',
    fallback: './data',
    parse: (text) => resolve(text),
  },
  {
    flags: '--redis-url <url>',
    env: 'REDIS_URL',
    help: 'redis://…, rediss://…, redis-sentinel://…, redis-cluster://… or the path of a unix socket, instead of the embedded Redis',
    parse: redisUrl,
  },
  {
    flags: '--redis-wait <replicas>',
    env: 'REDIS_WAIT',
    help: 'how many replicas of Redis must have a change before it is acknowledged',
    fallback: '0',
    parse: replicas,
  },
  {
    flags: '--durability <level>',
    env: 'DURABILITY',
    help: 'full: what is acknowledged is on disk; os: the system writes it out within seconds',
    fallback: 'full',
    parse: oneOf('full', 'os'),
  },
  {
    flags: '--s3-bucket <name>',
    env: 'S3_BUCKET',
    help: 'bucket, or bucket/folder, for the files’ bytes, instead of the data folder',
    parse: bucket,
  },
  {
    flags: '--s3-endpoint <url>',
    env: 'S3_ENDPOINT',
    help: 'address of an S3 service that is not Amazon’s',
    parse: httpUrl,
  },
  { flags: '--s3-region <name>', env: 'S3_REGION', help: 'region of the bucket', parse: (text) => text },
]

const SERVE_SETTINGS: readonly Setting[] = [
  {
    flags: '--port <number>',
    env: 'PORT',
    help: 'TCP port; 0 for any free one',
    fallback: '8080',
    parse: port,
  },
  {
    flags: '--host <address>',
    env: 'HOST',
    help: 'address to listen on; 0.0.0.0 for every network',
    fallback: '127.0.0.1',
    parse: host,
  },
  {
    flags: '--workers <number>',
    env: 'WORKERS',
    help: 'processes that answer requests, at most one a core is of use',
    fallback: '1',
    parse: workers,
  },
  {
    flags: '--public-url <url>',
    env: 'PUBLIC_URL',
    help: 'what links begin with, where a proxy stands before the server',
    parse: httpUrl,
  },
  {
    flags: '--cors-origins <origins>',
    env: 'CORS_ORIGINS',
    help: 'origins whose web pages may call the server, separated by commas; * for all (default: none)',
    parse: origins,
  },
  {
    flags: '--fetch-allow <ranges>',
    env: 'FETCH_ALLOW',
    help: 'private addresses that uploads by URL may be fetched from, such as 10.1.0.0/16,fd00::/8 (default: none)',
    parse: ranges,
  },
  {
    flags: '--smtp-url <url>',
    env: 'SMTP_URL',
    help: 'smtp://user:password@host:port or smtps://…: mails invitations',
    parse: smtpUrl,
  },
  {
    flags: '--mail-from <address>',
    env: 'MAIL_FROM',
    help: 'address that mails come from (default: no-reply at the public URL’s host)',
    parse: mailAddress,
  },
  {
    flags: '--s3-downloads <how>',
    env: 'S3_DOWNLOADS',
    help: 'download URLs of the storage API: served by this server, or direct from the bucket for a day, whoever loses access',
    fallback: 'served',
    parse: oneOf('served', 'direct'),
  },
  {
    flags: '--dav-depth <depth>',
    env: 'DAV_DEPTH',
    help: 'infinity: WebDAV clients may list whole trees at once; 1: folder by folder only',
    fallback: 'infinity',
    parse: oneOf('infinity', '1'),
  },
  {
    flags: '--trust-proxy <ranges>',
    env: 'TRUST_PROXY',
    help: 'addresses of proxies whose X-Forwarded-For and X-Forwarded-Proto count, such as 127.0.0.1,10.0.0.0/8 (default: none)',
    parse: ranges,
  },
  {
    flags: '--journal-keep <rows>',
    env: 'JOURNAL_KEEP',
    help: 'so many of the newest changes of each space stay in Redis; older ones move to where the bytes are',
    fallback: '100000',
    parse: rows,
  },
  {
    flags: '--freed-grace <seconds>',
    env: 'FREED_GRACE',
    help: 'how long the bytes of deleted files stay: longer than the longest read, and than a backup takes',
    fallback: '600',
    parse: seconds,
  },
  {
    flags: '--drain-wait <seconds>',
    env: 'DRAIN_WAIT',
    help: 'how long requests are still taken after SIGTERM, while /readyz tells the balancer to send no more',
    fallback: '0',
    parse: seconds,
  },
  {
    flags: '--metrics-port <number>',
    env: 'METRICS_PORT',
    help: 'TCP port of GET /metrics for Prometheus; 0 for any free one (default: none)',
    parse: port,
  },
  {
    flags: '--metrics-host <address>',
    env: 'METRICS_HOST',
    help: 'address the metrics are served on',
    fallback: '127.0.0.1',
    parse: host,
  },
  {
    flags: '--access-log <switch>',
    env: 'ACCESS_LOG',
    help: 'on: a line on stderr for each request, with its path',
    fallback: 'off',
    parse: oneOf('on', 'off'),
  },
  {
    flags: '--log-level <level>',
    env: 'LOG_LEVEL',
    help: LOG_LEVELS.join(', '),
    fallback: 'info',
    parse: oneOf(...LOG_LEVELS),
  },
]

/** Gives a command the settings that say where the data are. */
export function withStoreSettings(command: Command): Command {
  return withSettings(command, STORE_SETTINGS)
}

/** Gives a command those and what a server needs besides. */
export function withServeSettings(command: Command): Command {
  return withSettings(command, [...SERVE_SETTINGS, ...STORE_SETTINGS])
}

/** What `withStoreSettings` has parsed. */
export function storeConfig(command: Command): StoreConfig {
  const { s3Bucket, s3Endpoint, s3Region, dataDir, redisUrl, redisWait, durability } =
    given<StoreOptions>(command)
  const rest = {
    dataDir,
    durability,
    ...(redisUrl !== undefined && { redisUrl }),
    ...(redisWait !== undefined && { redisWait }),
  }
  if (s3Bucket === undefined) {
    if (s3Endpoint ?? s3Region) command.error('error: S3_ENDPOINT and S3_REGION need S3_BUCKET as well.')
    return rest
  }
  const [name = '', ...folder] = s3Bucket.split('/')
  const s3: S3Config = {
    bucket: name,
    prefix: folder.map((part) => `${part}/`).join(''),
    ...(s3Endpoint !== undefined && { endpoint: s3Endpoint }),
    ...(s3Region !== undefined && { region: s3Region }),
  }
  return { ...rest, s3 }
}

/** What `withServeSettings` has parsed. */
export function serveConfig(command: Command): ServeConfig {
  const {
    host,
    port,
    workers,
    publicUrl,
    corsOrigins = [],
    fetchAllow = [],
    davDepth,
    s3Downloads,
    logLevel,
    smtpUrl,
    mailFrom,
    accessLog,
    metricsPort,
    metricsHost,
    trustProxy = [],
    drainWait,
    freedGrace,
    journalKeep,
  } = given<ServeOptions>(command)
  const store = storeConfig(command)
  if (s3Downloads === 'direct' && !store.s3) {
    command.error('error: S3_DOWNLOADS=direct needs S3_BUCKET as well.')
  }
  return {
    ...store,
    host,
    port,
    workers,
    corsOrigins,
    fetchAllow,
    davDepth,
    s3Downloads,
    logLevel,
    accessLog,
    metricsHost,
    trustProxy,
    drainWait,
    freedGrace,
    journalKeep,
    ...(metricsPort !== undefined && { metricsPort }),
    ...(publicUrl !== undefined && { publicUrl }),
    ...(smtpUrl !== undefined && { smtpUrl }),
    ...(mailFrom !== undefined && { mailFrom }),
  }
}

interface StoreOptions extends Omit<StoreConfig, 's3'> {
  readonly s3Bucket?: string
  readonly s3Endpoint?: string
  readonly s3Region?: string
}

type ServeOptions = Omit<ServeConfig, Lists> & Partial<Pick<ServeConfig, Lists>>
type Lists = 'corsOrigins' | 'fetchAllow' | 'trustProxy'

/** The options without those whose variable is set and empty, as compose files and shells leave them. */
function given<T extends object>(command: Command): T {
  return Object.fromEntries(Object.entries(command.opts()).filter(([, value]) => value !== '')) as T
}

function withSettings(command: Command, settings: readonly Setting[]): Command {
  for (const { flags, env, help, fallback, parse } of settings) {
    const option = new Option(flags, help).env(env)
    option.argParser((text: string) => {
      const meant = text || fallback
      return meant === undefined ? '' : parse(meant)
    })
    if (fallback !== undefined) option.default(parse(fallback), fallback)
    command.addOption(option)
  }
  return command
}
