import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ServeConfig, StoreConfig } from '../../config.js'
import type { Log } from '../../log.js'
import { DEFAULT_CACHE_BYTES } from './options.js'
import type { MountPlace } from './places.js'
import type { MountRequest } from './run.js'
import { type MountProcess, spawnMount } from './spawn.js'

/** How long to wait before a mount that has died is mounted again. */
const PAUSE = 2_000

/** The mounts of a server's own spaces: each a process of its own, since whoever serves a mount must not touch it. */
export class ServerMounts {
  /** What each said when it was ready. */
  readonly ready: string[] = []
  readonly #running = new Set<MountProcess>()
  #stopping = false

  private constructor(
    private readonly config: ServeConfig,
    private readonly log: Log,
  ) {}

  /** Rejects where one cannot be mounted; then none is. */
  static async start(places: readonly MountPlace[], config: ServeConfig, log: Log): Promise<ServerMounts> {
    const mounts = new ServerMounts(config, log)
    try {
      for (const place of places) mounts.ready.push(await mounts.#start(place))
      return mounts
    } catch (error) {
      await mounts.stop()
      throw error
    }
  }

  /** Unmounts all, and resolves when they have ended. */
  async stop(): Promise<void> {
    this.#stopping = true
    const ended = [...this.#running].map(({ process }) => once(process, 'exit'))
    this.hurry()
    await Promise.all(ended)
  }

  /** Lets them wait no longer for programs that use them. */
  hurry(): void {
    for (const { process } of this.#running) process.kill('SIGTERM')
  }

  async #start(place: MountPlace): Promise<string> {
    const { logLevel } = this.config
    const mount = await spawnMount(this.#request(place), { stay: false, logLevel, log: 2 })
    this.#running.add(mount)
    mount.process.once('exit', () => {
      this.#running.delete(mount)
      if (!this.#stopping) void this.#again(place)
    })
    return mount.ready
  }

  async #again(place: MountPlace): Promise<void> {
    this.log.error(`The mount at ${place.dir} has ended; it is mounted again.`)
    await sleep(PAUSE, undefined, { ref: false })
    if (this.#stopping) return
    try {
      this.log.info(await this.#start(place))
    } catch (error) {
      this.log.error(`${place.dir} could not be mounted again: ${(error as Error).message}`)
      void this.#again(place)
    }
  }

  #request({ dir, ...space }: MountPlace): MountRequest {
    const { dataDir } = this.config
    return {
      source: { kind: 'store', config: storePart(this.config), ...space },
      settings: {
        dir,
        server: dataDir,
        cacheDir: join(dataDir, 'mounts'),
        cacheBytes: DEFAULT_CACHE_BYTES,
        write: 'through',
        readOnly: false,
        allowOther: process.getuid?.() === 0,
        nonEmpty: false,
      },
    }
  }
}

function storePart({ dataDir, durability, redisUrl, redisWait, s3 }: ServeConfig): StoreConfig {
  return {
    dataDir,
    durability,
    ...(redisUrl !== undefined && { redisUrl }),
    ...(redisWait !== undefined && { redisWait }),
    ...(s3 && { s3 }),
  }
}
