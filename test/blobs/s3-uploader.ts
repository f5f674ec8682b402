/**
 * A process that uploads and stops in the middle, to be killed. Arguments: socket of Redis, S3 place as JSON, space, bytes.
 * Says the ids of a whole blob that nobody linked, and of one of which these bytes have come.
 */
import { Readable } from 'node:stream'
import { RedisNotes } from '../../src/blobs/redis-notes.js'
import { S3BlobStore } from '../../src/blobs/s3/store.js'
import { connectRedis } from '../../src/redis/connect.js'

const [socket = '', place = '', space = '', bytes = '0'] = process.argv.slice(2)
const redis = await connectRedis(socket, { name: 'uploader' })
const store = new S3BlobStore(JSON.parse(place), { notes: new RedisNotes(redis) })
await store.open()
const body = new Readable({ read() {} })
store.put(space, body, { limit: 1e9 })
const whole = await store.put(space, Buffer.from('whole'), { limit: 10 })
body.push(Buffer.alloc(Number(bytes)))
const waitForParts = async () => {
  for await (const upload of store.bucket.unfinished(Number.POSITIVE_INFINITY)) return upload.blob
  return undefined
}
let half = await waitForParts()
while (half === undefined) half = await waitForParts()
process.stdout.write(`${whole.id} ${half}\n`)
