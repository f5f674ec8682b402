import { connectRedis } from '../../src/redis/connect.js'
import { Spaces } from '../../src/space/spaces.js'

/** A process that does nothing but reap a space, for a test to kill: `node reaper-process.js <socket> <space>`. */
const [socket = '', space = ''] = process.argv.slice(2)
const redis = await connectRedis(socket, { name: 'reaper' })
const spaces = new Spaces(redis)
spaces.reap(space)
await spaces.reaped()
redis.disconnect()
