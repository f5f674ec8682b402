/** Linux: the kernel's requests are served here, by its own protocol. */
import type { FileSystem } from '../../filesystem.js'
import type { FuseOptions } from '../index.js'
import { KernelLink } from '../kernel-link.js'
import { mountAt } from '../mounts.js'
import { type Serving, settingsOf } from '../serving.js'
import { takeOver } from '../take-over.js'
import { unmountAt } from '../unmount.js'
import { Server } from './server.js'

const LONG_CACHE = 60
/** Where the kernel cannot be told of changes it asks again after this long. */
const SHORT_CACHE = 1

export async function serveByProtocol(path: string, fs: FileSystem, options: FuseOptions): Promise<Serving> {
  const { log, cacheSeconds = LONG_CACHE } = options
  const { owner, mountOptions, requests } = settingsOf(options)
  const lost = () => {
    server?.distrust(SHORT_CACHE)
    log.warn(`The kernel cannot be told of changes to ${path}: they may show up to ${SHORT_CACHE} s late.`)
  }
  let server: Server | undefined
  const link = new KernelLink({
    requests,
    lost,
    idAt: (file) => server?.table.find(file)?.id ?? 0,
    detach: (file) => server?.table.detachFile(file) ?? 0,
  })
  const free = () => {
    link.close()
    requests.close()
  }
  try {
    const descriptor = await takeOver(path, mountOptions)
    const beforeOpen = (file: string) => link.beforeOpen(file)
    server = new Server({ descriptor, fs, owner, cacheSeconds, requests, beforeOpen, log })
    server.start()
    await server.ready
    const connection = (await mountAt(path))?.connection
    if (connection === undefined) lost()
    else link.connect(path, descriptor, connection)
    const { ended } = server
    return {
      connection,
      invalidate: (changes) => link.invalidate(changes),
      ended: ended.then(free),
      stop: () => server?.close(),
    }
  } catch (error) {
    server?.close()
    free()
    if (server) await unmountAt(path, { lazy: true }).catch(() => {})
    throw error
  }
}
