/**
 * The one hash tag of everything about accounts: accounts, names, tokens, groups, organisations, invitations and the
 * registry of spaces live in one slot, so each operation on them is one atomic script, also on Redis Cluster. It routes the
 * script; the keys themselves are listed in `scripts/_keys.lua`.
 *
 * What it costs: account operations do not spread over a cluster's masters. Loading a caller takes Redis some ten
 * microseconds, so one master serves about 50,000 requests a second; the spaces' trees have slots of their own.
 */
export const ACCOUNT_SLOT = '{acct}'

/**
 * A word that is another one after every change in the account slot, and never one that it was before: what was read while it said the
 * same still holds. Absent until something has changed.
 */
export const ACCOUNTS_VERSION = `${ACCOUNT_SLOT}:v`

/**
 * What every script does that changes something in the account slot, see `Scripts`. The time makes the word a new one also where a
 * replica takes over that has not heard of the last changes.
 */
export const RENEW_VERSION = `do
local old = redis.call('GET', '${ACCOUNTS_VERSION}') or ''
redis.call('SET', '${ACCOUNTS_VERSION}', redis.sha1hex(old .. table.concat(redis.call('TIME'), ' ')))
end
`
