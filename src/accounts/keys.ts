/**
 * The one hash tag of everything about accounts: accounts, names, tokens, groups, organisations, invitations and the
 * registry of spaces live in one slot, so each operation on them is one atomic script, also on Redis Cluster. It is the
 * only key that TypeScript names (it routes the script); the keys themselves are listed in `scripts/_keys.lua`.
 *
 * What it costs: account operations do not spread over a cluster's masters. Loading a caller takes Redis some ten
 * microseconds, so one master serves about 50,000 requests a second; the spaces' trees have slots of their own.
 */
export const ACCOUNT_SLOT = '{acct}'
