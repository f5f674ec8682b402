import { readFileSync } from 'node:fs'
import type { Cluster, Redis } from 'ioredis'

export type RedisClient = Redis | Cluster
export type ScriptArg = string | Buffer | number

/** What a script answers: Buffers, integers, null, and lists of them. */
export type ScriptReply = Buffer | number | null | readonly ScriptReply[]

/**
 * The Lua files of one folder, callable by name. A file may include others by a line `--@include name`, resolved as
 * `_name.lua` in its own folder, or `--@include room/name` for another room's; each comes once. Loaded by content hash
 * (EVALSHA), so two releases can share a Redis.
 */
export class Scripts {
  readonly #redis: RedisClient
  readonly #folder: URL
  readonly #known = new Set<string>()

  /** `folder`: a URL that ends in a slash. Compiled code lives in `dist/`, the scripts stay in `src/`: see `scriptsFolder`. */
  constructor(redis: RedisClient, folder: URL) {
    this.#redis = redis
    this.#folder = folder
  }

  /**
   * Runs `name.lua`. All keys are in one slot; the first decides which. Rejects with what ioredis rejects with:
   * a ReplyError of the script, or a connection error, after which nobody knows whether the script ran.
   */
  run(name: string, keys: readonly string[], args: readonly ScriptArg[]): Promise<ScriptReply> {
    const command = `novem:${this.#folder.pathname}${name}`
    if (!this.#known.has(command)) {
      this.#redis.defineCommand(command, { lua: this.source(name) })
      this.#known.add(command)
    }
    type Call = (count: number, ...rest: readonly ScriptArg[]) => Promise<ScriptReply>
    const client = this.#redis as unknown as Record<string, Call>
    return (client[`${command}Buffer`] as Call).call(this.#redis, keys.length, ...keys, ...args)
  }

  /** The text that Redis gets, includes expanded; its SHA-1 is what EVALSHA names. */
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
    return expand(new URL(`${name}.lua`, this.#folder))
  }
}

/** `src/<room>/scripts/` as seen from a compiled module `dist/src/<room>/x.js`: pass its `import.meta.url`. */
export function scriptsFolder(moduleUrl: string, room: string): URL {
  return new URL(`../../../src/${room}/scripts/`, moduleUrl)
}
