/** The words of /etc/fstab (fstab(5), mount(8) "External helpers") for what `mount` says with flags. */
import { resolve } from 'node:path'
import { DEFAULT_CACHE_BYTES, defaultCacheDir, type MountFlags, number, octal, size } from './options.js'

export interface HelperRequest {
  readonly space: string
  readonly server: string
  readonly dir: string
  readonly token?: string
  readonly tokenFile?: string
  readonly flags: MountFlags
}

export class HelperUsageError extends Error {
  override readonly name = 'HelperUsageError'
}

/** What mount(8) and systemd keep for themselves, or what holds for every mount of ours. */
const IGNORED = new Set([
  ...[
    'defaults',
    'rw',
    'auto',
    'noauto',
    'user',
    'nouser',
    'users',
    'owner',
    'group',
    'nofail',
    '_netdev',
    'relatime',
  ],
  ...[
    'async',
    'dev',
    'nodev',
    'suid',
    'nosuid',
    'exec',
    'noexec',
    'atime',
    'noatime',
    'diratime',
    'nodiratime',
  ],
])
const IGNORED_BEGINNINGS = /^(x-|X-|comment=|mand|nomand)/

interface Collected {
  token?: string
  tokenFile?: string
  flags: { -readonly [K in keyof MountFlags]: MountFlags[K] }
}

/** Each option of `-o`, by name. */
const OPTIONS: Readonly<Record<string, (into: Collected, value: string) => void>> = {
  ro: ({ flags }) => {
    flags.readOnly = true
  },
  allow_other: ({ flags }) => {
    flags.allowOther = true
  },
  nonempty: ({ flags }) => {
    flags.nonempty = true
  },
  token: (into, value) => {
    into.token = value
  },
  token_file: (into, value) => {
    into.tokenFile = value
  },
  write: ({ flags }, value) => {
    if (value !== 'through' && value !== 'back') throw new Error('It must be through or back.')
    flags.write = value
  },
  cache_dir: ({ flags }, value) => {
    flags.cacheDir = resolve(value)
  },
  cache_size: ({ flags }, value) => {
    flags.cacheSize = size(value)
  },
  uid: ({ flags }, value) => {
    flags.uid = number(value)
  },
  gid: ({ flags }, value) => {
    flags.gid = number(value)
  },
  umask: ({ flags }, value) => {
    flags.umask = octal(value)
  },
}

/** Undefined where nothing is to be done (`-f`). Raises HelperUsageError. */
export function parseHelperArguments(args: readonly string[]): HelperRequest | undefined {
  const words: string[] = []
  const options: string[] = []
  let fake = false
  let sloppy = false
  for (let i = 0; i < args.length; i++) {
    const word = args[i] as string
    if (word === '-o') options.push(...(args[++i] ?? '').split(',').filter(Boolean))
    else if (word === '-t' || word === '-N') i++
    else if (/^-[a-z]+$/.test(word)) {
      fake ||= word.includes('f')
      sloppy ||= word.includes('s')
      if (word.includes('r')) options.push('ro')
    } else words.push(word)
  }
  const [source, dir, ...more] = words
  if (source === undefined || dir === undefined || more.length > 0) {
    throw new HelperUsageError('Say: mount.novem-spaces <space>@<server> <dir> [-o options].')
  }
  const collected: Collected = {
    flags: { write: 'through', cacheDir: defaultCacheDir(), cacheSize: DEFAULT_CACHE_BYTES },
  }
  for (const option of options) apply(collected, option, sloppy)
  return fake ? undefined : { ...parseSource(source), dir, ...collected }
}

function apply(into: Collected, option: string, sloppy: boolean): void {
  const [, name = '', value = ''] = /^([^=]*)=?(.*)$/s.exec(option) ?? []
  const known = OPTIONS[name]
  if (!known) {
    if (sloppy || IGNORED.has(name) || IGNORED_BEGINNINGS.test(option)) return
    throw new HelperUsageError(`There is no option "${name}".`)
  }
  try {
    known(into, value)
  } catch (error) {
    throw new HelperUsageError(`"${value}" is no value for "${name}": ${(error as Error).message}`)
  }
}

/** `notes@https://spaces.example.com`, `@ann~notes@spaces.example.com`, or the address of the WebDAV drive. */
function parseSource(source: string): { space: string; server: string } {
  const [, server, drive] = /^(https?:\/\/.+)\/dav\/([^/]+)\/?$/.exec(source) ?? []
  if (server !== undefined && drive !== undefined) return { server, space: decodeURIComponent(drive) }
  const [, space, where] = /^(@[^@~]+~[^@/]+|[^@/]+)@(.+)$/.exec(source) ?? []
  if (space === undefined || where === undefined) {
    throw new HelperUsageError(
      `"${source}" must be a space and a server such as notes@https://spaces.example.com.`,
    )
  }
  const url = /^https?:\/\//.test(where) ? where : `https://${where}`
  if (!URL.canParse(url)) throw new HelperUsageError(`"${where}" is no address of a server.`)
  return { space, server: url.replace(/\/+$/, '') }
}
