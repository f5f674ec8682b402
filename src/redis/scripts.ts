import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Cluster, type Redis } from 'ioredis'
import { acknowledged } from './acknowledge.js'
import { lean } from './lua.js'
import { ScriptCommand, type ScriptHead, scriptHead } from './script-command.js'
import { gather } from './turn.js'

export type RedisClient = Redis | Cluster
export type ScriptArg = string | Buffer | number

/** What a script answers: Buffers, integers, null, and lists of them. */
export type ScriptReply = Buffer | number | null | readonly ScriptReply[]

/** Hears how long a script took (ms), from the call to its answer, whatever that was. */
export type ScriptObserver = (name: string, ms: number) => void

const observers = new WeakMap<RedisClient, ScriptObserver>()

/** From now on `observer` hears of each script that runs through `redis`. */
export function observeScripts(redis: RedisClient, observer: ScriptObserver): void {
  observers.set(redis, observer)
}

/** One script, as it is called, and as it is called where Redis does not know it yet. */
interface Script {
  /** It may change something. */
  readonly writes: boolean
  readonly byHash: ScriptHead
  readonly byText: ScriptHead
}

/**
 * The Lua files of one folder, callable by name. A file may include others by a line `--@include name`, resolved as
 * `_name.lua` in its own folder, or `--@include room/name` for another room's; each comes once. A script with a line
 * `--@allow-oom` runs also when Redis is full. Loaded by content hash (EVALSHA), so two releases can share a Redis.
 */
export class Scripts {
  readonly #redis: RedisClient
  readonly #folder: URL
  readonly #onChange: string
  readonly #known = new Map<string, Script>()

  /**
   * `folder`: a URL that ends in a slash. Compiled code lives in `dist/`, the scripts stay in `src/`: see `scriptsFolder`.
   * `onChange`: Lua that every script begins with that may change something, but those with a line `--@no-change`.
   */
  constructor(redis: RedisClient, folder: URL, onChange = '') {
    this.#redis = redis
    this.#folder = folder
    this.#onChange = onChange
  }

  /**
   * Runs `name.lua`. All keys are in one slot; the first decides which. Rejects with what ioredis rejects with:
   * a ReplyError of the script, or a connection error, after which nobody knows whether the script ran.
   */
  run(name: string, keys: readonly string[], args: readonly ScriptArg[]): Promise<ScriptReply> {
    const observer = observers.get(this.#redis)
    if (!observer) return this.#run(name, keys, args)
    const began = performance.now()
    return this.#run(name, keys, args).finally(() => observer(name, performance.now() - began))
  }

  #run(name: string, keys: readonly string[], args: readonly ScriptArg[]): Promise<ScriptReply> {
    const script = this.#script(name)
    if (!script.writes) return this.#call(script, keys, args)
    return acknowledged(this.#redis, keys[0] as string, () => this.#call(script, keys, args))
  }

  #call(script: Script, keys: readonly string[], args: readonly ScriptArg[]): Promise<ScriptReply> {
    return this.#send(script.byHash, keys, args).catch((error: unknown) => {
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error
      return this.#send(script.byText, keys, args)
    })
  }

  #send(head: ScriptHead, keys: readonly string[], args: readonly ScriptArg[]): Promise<ScriptReply> {
    gather(this.#redis)
    return this.#redis.sendCommand(new ScriptCommand(head, keys, args)) as Promise<ScriptReply>
  }

  #script(name: string): Script {
    const known = this.#known.get(name)
    if (known) return known
    const source = this.source(name)
    const hash = createHash('sha1').update(source).digest('hex')
    const writes = mayWrite(source)
    const script = { byHash: scriptHead('evalsha', hash), byText: scriptHead('eval', source), writes }
    this.#known.set(name, script)
    return script
  }

  /** The text that Redis gets, includes expanded, see `lean`; its SHA-1 is what EVALSHA names. */
  source(name: string): string {
    const included = new Set<string>()
    const expand = (file: URL): string =>
      readFileSync(file, 'utf8').replace(
        /^--@include (?:(\w+)\/)?(\w+)$/gm,
        (_line, room: string | undefined, part: string) => {
          const path = room === undefined ? `_${part}.lua` : `../../${room}/scripts/_${part}.lua`
          const target = new URL(path, file)
          if (included.has(target.href)) return ''
          included.add(target.href)
          return expand(target)
        },
      )
    const whole = expand(new URL(`${name}.lua`, this.#folder))
    const head = /^--@allow-oom$/m.test(whole) ? ALLOW_OOM : ''
    const body = lean(whole)
    const isChange = mayWrite(body) && !/^--@no-change$/m.test(whole)
    return head + (this.#redis instanceof Cluster ? PROBE : '') + (isChange ? this.#onChange : '') + body
  }
}

/** For what makes room: it runs also where `maxmemory` is reached. */
const ALLOW_OOM = '#!lua flags=allow-oom\n'

/**
 * While a slot moves, its keys are partly here and partly there, and a script would fail at the first that is elsewhere, perhaps
 * after it has written. So on a cluster each script first looks for two keys that no one has: one that is not here makes the node
 * that gives the slot away say no, two at once the one that takes it. Before anything is written; the call is tried again.
 */
const PROBE = "redis.call('EXISTS', KEYS[1] .. ':0', KEYS[1] .. ':1')\n"

const READS = new Set(
  (
    'EXISTS GET HGET HGETALL HEXISTS HKEYS HLEN HMGET HSCAN HVALS LLEN LRANGE SCARD SINTERCARD SISMEMBER SMEMBERS ' +
    'SPUBLISH SSCAN TIME XLEN XRANGE XREVRANGE ZCARD ZRANGE ZRANGEBYLEX ZRANGEBYSCORE ZSCORE'
  ).split(' '),
)

/** Whether a script has a command that is not known only to read. */
function mayWrite(source: string): boolean {
  return [...source.matchAll(/\bcall\('(\w+)'/g)].some(
    ([, command = '']) => !READS.has(command.toUpperCase()),
  )
}

/** `src/<room>/scripts/` as seen from a compiled module `dist/src/<room>/x.js`: pass its `import.meta.url`. */
export function scriptsFolder(moduleUrl: string, room: string): URL {
  return new URL(`../../../src/${room}/scripts/`, moduleUrl)
}
