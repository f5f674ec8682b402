/** Strings planted where only some may read, and what an answer gives away of them. */
import type { Role } from './roles.js'

/**
 * `name`: of the space; `space`: all else in it; `team`: the group that readers are in, and the organisation; `crew`: the
 * group of writers; `own`: what only the owner sees.
 */
export type SecretKind = 'name' | 'space' | 'team' | 'crew' | 'own'

export interface Secret {
  readonly home: Home
  readonly kind: SecretKind
  readonly text: string
}

/** At whose space: the usual one's, or one whose owner has no early access. */
export type Home = 'open' | 'closed'

const READ: readonly SecretKind[] = ['name', 'space']

/** By role, whatever the route. Groups are not gated, so their members see them also where nobody sees the space. */
const VISIBLE: Readonly<Record<Role, Readonly<Record<Home, readonly SecretKind[]>>>> = {
  owner: { open: [...READ, 'team', 'crew', 'own'], closed: [] },
  writer: { open: [...READ, 'team', 'crew'], closed: ['team', 'crew'] },
  reader: { open: [...READ, 'team'], closed: ['team'] },
  invited: { open: ['team', 'crew'], closed: ['team', 'crew'] },
  exMember: { open: [], closed: [] },
  guestReader: { open: READ, closed: [] },
  guestWriter: { open: READ, closed: [] },
  expired: { open: [], closed: [] },
  stranger: { open: [], closed: [] },
  anonymous: { open: [], closed: [] },
  callerOff: { open: ['team', 'crew'], closed: ['team', 'crew'] },
  ownerOff: { open: [...READ, 'team', 'crew'], closed: ['team', 'crew'] },
}

export interface Asked {
  readonly role: Role
  /** All that was sent. */
  readonly request: string
  /** What the answer may show besides. */
  readonly shows?: readonly SecretKind[] | undefined
}

/** Those that the answer shows and the role may not see; what the request itself said is no secret. */
export function leaksIn(
  answer: string,
  secrets: readonly Secret[],
  { role, request, shows = [] }: Asked,
): string[] {
  const isVisible = ({ home, kind }: Secret) => VISIBLE[role][home].includes(kind) || shows.includes(kind)
  return secrets
    .filter((secret) => !isVisible(secret) && answer.includes(secret.text) && !request.includes(secret.text))
    .map(({ home, kind, text }) => `${kind} (${home}): ${text}`)
}
