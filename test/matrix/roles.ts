/**
 * Who asks. All have accounts of their own but `anonymous`; `callerOff` may write by its group, and `ownerOff` is the writer
 * at a space whose owner has no early access.
 */
export const ROLES = [
  'owner',
  'writer',
  'reader',
  'invited',
  'exMember',
  'guestReader',
  'guestWriter',
  'expired',
  'stranger',
  'anonymous',
  'callerOff',
  'ownerOff',
] as const
export type Role = (typeof ROLES)[number]

/** `ok` is any status of success. */
export type Expected = 'ok' | number

/** What each class of routes answers to each role, in the order of `ROLES`. */
const CLASSES = {
  // In a space, at its canonical path.
  read: /*         */ 'ok  ok  ok  404 404 ok  ok  404 404 401 404 404',
  write: /*        */ 'ok  ok  403 404 404 403 ok  404 404 401 404 404',
  manage: /*       */ 'ok  403 403 404 404 403 403 404 404 401 404 404',
  'share-read': /* */ 'ok  ok  ok  404 404 404 404 404 404 401 404 404',
  'space-put': /*  */ '409 403 403 403 403 403 403 403 403 401 404 403',
  // In a space of that name of the caller's own.
  mine: /*         */ 'ok  404 404 404 404 404 404 404 404 401 404 404',
  'mine-put': /*   */ '409 ok  ok  ok  ok  ok  ok  ok  ok  401 404 ok',
  // In a group.
  'group-read': /* */ 'ok  ok  ok  ok  404 404 404 404 404 401 ok  ok',
  'group-list': /* */ 'ok  ok  ok  404 404 404 404 404 404 401 ok  ok',
  'group-lead': /* */ 'ok  403 403 403 404 404 404 404 404 401 403 403',
  'group-leave': /**/ 'ok  403 ok  403 404 404 404 404 404 401 403 403',
  'group-put': /*  */ '409 403 403 403 403 403 403 403 403 401 403 403',
  'group-tree': /* */ 'ok  ok  ok  ok  404 404 404 404 404 401 404 ok',
  'group-spaces': /**/ 'ok  ok  ok  404 404 404 404 404 404 401 404 404',
  'org-put': /*    */ '409 409 409 409 409 409 409 409 409 401 409 409',
  'org-group-put': /**/ '409 403 403 403 404 404 404 404 404 401 403 403',
  invite: /*       */ '404 404 404 ok  404 404 404 404 404 401 404 404',
  // About the caller.
  self: /*         */ 'ok  ok  ok  ok  ok  ok  ok  ok  ok  401 ok  ok',
  'self-gated': /* */ 'ok  ok  ok  ok  ok  ok  ok  ok  ok  401 404 ok',
  listing: /*      */ 'ok  ok  ok  ok  ok  ok  ok  ok  ok  401 404 404',
  // The same to everybody.
  open: /*         */ 'ok  ok  ok  ok  ok  ok  ok  ok  ok  ok  ok  ok',
  'open-bad': /*   */ '400 400 400 400 400 400 400 400 400 400 400 400',
  // By URL alone, which here has no signature.
  unsigned: /*     */ '403 403 403 403 403 403 403 403 403 403 403 403',
  // Invitations by token.
  'share-make': /* */ 'ok  400 400 400 400 400 400 400 400 401 404 400',
  'share-change': /**/ 'ok  403 403 403 403 403 403 403 403 401 404 403',
  join: /*         */ '400 400 400 400 400 400 400 400 400 401 404 400',
  missing: /*      */ '404 404 404 404 404 404 404 404 404 404 404 404',
  // WebDAV.
  'dav-options': /**/ 'ok  ok  ok  ok  ok  ok  ok  ok  ok  ok  404 ok',
  'dav-top': /*    */ '403 403 403 403 403 403 403 403 403 401 404 403',
  'dav-unlock': /* */ '409 409 403 404 404 403 409 404 404 401 404 404',
  'mine-unlock': /**/ '409 404 404 404 404 404 404 404 404 401 404 404',
} as const
export type Class = keyof typeof CLASSES

export function expected(of: Class, role: Role): Expected {
  const cell = CLASSES[of].split(/ +/)[ROLES.indexOf(role)] as string
  return cell === 'ok' ? cell : Number(cell)
}
