import { randomBytes } from 'node:crypto'
import { ACCOUNT_SLOT } from './accounts/keys.js'
import type { RedisClient } from './redis/scripts.js'

const KEY = `${ACCOUNT_SLOT}:url-secret`
const BYTES = 32

/** What URLs are signed with: made once for an installation, and the same in all its processes. */
export async function urlSecret(redis: RedisClient): Promise<Buffer> {
  await redis.set(KEY, randomBytes(BYTES), 'NX')
  const secret = await redis.getBuffer(KEY)
  if (secret?.length === BYTES) return secret
  throw new Error(
    `Redis holds no secret of ${BYTES} bytes in ${KEY}; delete that key, and a new one is made.`,
  )
}
