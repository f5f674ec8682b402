/**
 * A process that puts one blob of zeros and has nothing else to do. Arguments: folder, bytes, and 'no-threads' where the system shall have
 * none left. Says how many threads it took, and the MD5.
 */
import { syncBuiltinESMExports } from 'node:module'
import threads from 'node:worker_threads'

const [folder = '', bytes = '0', system = ''] = process.argv.slice(2)
if (system === 'no-threads') {
  threads.Worker = class {
    constructor() {
      throw new Error('EAGAIN')
    }
  } as unknown as typeof threads.Worker
  syncBuiltinESMExports()
}
let started = 0
process.on('worker', () => started++)

// Only now: modules keep what they find when they are loaded.
const { LocalBlobStore } = await import('../../src/blobs/local/store.js')
const store = new LocalBlobStore(folder, { durability: 'os' })
await store.open()
const { md5 } = await store.put('s1', Buffer.alloc(Number(bytes)), { limit: 1e9 })
console.log(`${started} thread${started === 1 ? '' : 's'}, ${md5}`)
await store.close()
