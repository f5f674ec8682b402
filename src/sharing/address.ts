/** How groups are named: `@owner~group` of a user, `+org~group` of an organisation, `+org` the organisation itself. */
import { checkResourceName, isResourceName } from '../accounts/names.js'
import { SpaceError } from '../space/errors.js'
import { quote } from '../space/quote.js'

/** As the scripts tell them apart. */
export type GroupKind = '@' | '~' | '+'

export interface GroupAddress {
  readonly kind: GroupKind
  /** Name of the account (`@`) or organisation (`~`) it belongs to; '' for an organisation. */
  readonly owner: string
  readonly name: string
}

export function userGroup(owner: string, name: string): GroupAddress {
  return { kind: '@', owner, name }
}

export function orgGroup(org: string, name: string): GroupAddress {
  return { kind: '~', owner: org, name }
}

export function organisation(name: string): GroupAddress {
  return { kind: '+', owner: '', name }
}

export function formatGroup({ kind, owner, name }: GroupAddress): string {
  switch (kind) {
    case '@':
      return `@${owner}~${name}`
    case '~':
      return `+${owner}~${name}`
    case '+':
      return `+${name}`
  }
}

/** undefined where nothing could have that name. */
export function parseGroup(text: string): GroupAddress | undefined {
  const [owner = '', name, ...rest] = text.slice(1).split('~')
  const sigil = text[0]
  if ((sigil !== '@' && sigil !== '+') || rest.length > 0 || !isResourceName(owner)) return undefined
  if (name === undefined) return sigil === '+' ? organisation(owner) : undefined
  if (!isResourceName(name)) return undefined
  return sigil === '@' ? userGroup(owner, name) : orgGroup(owner, name)
}

/** `group "@smith~analysts"`, for messages. */
export function describeGroup(address: GroupAddress): string {
  return `${address.kind === '+' ? 'organisation' : 'group'} ${quote(formatGroup(address))}`
}

export function checkGroupName({ kind, name }: GroupAddress): void {
  checkResourceName(kind === '+' ? 'an organisation' : 'a group', name)
}

export function groupNotFound(address: GroupAddress): SpaceError {
  return new SpaceError('NOT_FOUND', `There is no ${describeGroup(address)}.`)
}
