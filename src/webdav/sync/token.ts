/** Where a client's copy stands: the journal's epoch and seq as a URI (RFC 6578 §4). */
import type { JournalMark } from '../../space/types.js'

const PREFIX = 'urn:novem:sync:'

export function syncToken({ seq, epoch }: JournalMark): string {
  return `${PREFIX}${epoch}:${seq}`
}

/** Undefined where it is none of ours. */
export function parseSyncToken(token: string): JournalMark | undefined {
  const [, epoch, seq] = /^urn:novem:sync:([\w-]{1,64}):(\d{1,15})$/.exec(token) ?? []
  return epoch === undefined ? undefined : { epoch, seq: Number(seq) }
}
