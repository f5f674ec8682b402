/** Every key of a space's slot begins with its record's, `{<space>}:`; scripts/_keys.lua makes the others likewise. */

export function recordKey(space: string): string {
  return `{${space}}:s`
}

/** The journal: a stream whose ids are `<seq>-0`. */
export function journalKey(space: string): string {
  return `{${space}}:j`
}

/** Sharded pub/sub channel on which every change publishes the space's new seq. */
export function channelOf(space: string): string {
  return `{${space}}:c`
}

/** The account slot's channel on which every change of somebody's access publishes whom or what it is about. */
export const ACCESS_CHANNEL = '{acct}:c'
