/** macOS: libfuse (macFUSE) serves, and asks us through fuse-native. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { FileSystem } from '../../filesystem.js'
import type { FuseOptions } from '../index.js'
import { mountAt } from '../mounts.js'
import { type Serving, settingsOf } from '../serving.js'
import { createBridge } from './bridge.js'
import { Operations } from './operations.js'

const WATCH_INTERVAL = 200

export async function serveByLibfuse(path: string, fs: FileSystem, options: FuseOptions): Promise<Serving> {
  const { log } = options
  const { owner, mountOptions, requests } = settingsOf(options)
  const operations = new Operations(fs, owner, log)
  const bridge = await createBridge({ mountPoint: path, options: mountOptions, operations, requests, log })
  let isStopped = false

  /** Nobody tells when a mount ends. */
  async function watch(): Promise<void> {
    while (!isStopped && (await mountAt(path))) await sleep(WATCH_INTERVAL)
    await operations.close()
    requests.close()
    await bridge.leave()
  }

  try {
    await bridge.mount()
  } catch (error) {
    requests.close()
    throw error
  }
  return {
    connection: undefined,
    // There is no way to tell the kernel.
    invalidate: () => {},
    ended: watch(),
    stop: () => {
      isStopped = true
    },
  }
}
