/**
 * Writes notifications to /dev/fuse, in a thread of its own: a write can wait for a lock that the kernel holds for a request which
 * waits for us. The kernel answers ENOENT for what it does not know, and that is as good.
 */
import { writeSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { isFuse } from './descriptor.js'

const { descriptor } = workerData as { descriptor: number }

parentPort?.on('message', (messages: readonly Uint8Array[]) => {
  for (const message of messages) {
    // It is closed as soon as the mount has gone, and then the number may be that of any file or socket.
    if (!isFuse(descriptor)) {
      parentPort?.postMessage('The mount has gone.')
      return
    }
    try {
      writeSync(descriptor, message)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
        parentPort?.postMessage((error as Error).message)
        return
      }
    }
  }
  parentPort?.postMessage(undefined)
})
