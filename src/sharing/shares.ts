import { rows } from '../accounts/records.js'
import { type AccountSlot, type MutationOptions, text } from '../accounts/slot.js'
import { SpaceError } from '../space/errors.js'
import { quote } from '../space/quote.js'
import { describeGroup, type GroupKind } from './address.js'
import { noSuchSpace } from './missing.js'
import { formatShareTarget, orderLetters, parseShareTarget, type ShareTarget } from './share-target.js'

export interface Share extends ShareTarget {
  /** As a row of `shared/`. */
  readonly name: string
  readonly created: number
}

/** `shared/` of a space: the groups that may see it, and with which letters. Accounts and spaces are named by id. */
export class Shares {
  readonly #slot: AccountSlot

  constructor(slot: AccountSlot) {
    this.#slot = slot
  }

  /**
   * `target` as it stands in the path. Other letters change the share, the same change nothing.
   * BAD_REQUEST (target, letters), NOT_FOUND (space, group), NOT_ALLOWED (a user or organisation, not the owner, not in
   * that group, `public` by an account that is not).
   */
  async put(
    account: string,
    space: string,
    target: string,
    options: MutationOptions = {},
  ): Promise<'created' | 'changed' | 'same'> {
    const { group, letters } = parseShareTarget(target)
    const reply = await this.#slot.mutate(
      'put_share',
      [account, space, ...groupArgs(group), letters, orderLetters(letters), Date.now()],
      { by: account, what: [space, target], ...options },
      {
        NOT_FOUND: ([what]) =>
          what === 'group' && group !== 'public' ? `There is no ${describeGroup(group)}.` : noSuchSpace(),
        NOT_ALLOWED: ([why]) => {
          if (why === 'owner') return 'Only the owner of a space shares it.'
          if (why === 'public') return 'Only an account that is public itself shares with everybody.'
          return `You are not in the ${group === 'public' ? 'group' : describeGroup(group)}, and spaces are shared with groups one is in.`
        },
      },
    )
    return text(reply) as 'created' | 'changed' | 'same'
  }

  /** `target` with or without letters. NOT_FOUND (space, share), NOT_ALLOWED (not the owner). */
  async delete(account: string, space: string, target: string, options: MutationOptions = {}): Promise<void> {
    const { group } = parseTargetToFind(target)
    await this.#slot.mutate(
      'delete_share',
      [account, space, ...groupArgs(group)],
      { by: account, what: [space, target], ...options },
      {
        NOT_FOUND: ([what]) => (what === 'share' ? notShared(target).message : noSuchSpace()),
        NOT_ALLOWED: () => 'Only the owner of a space ends its shares.',
      },
    )
  }

  /** By name. To others than the owner only those through which they see the space. NOT_FOUND (no access). */
  async list(account: string, space: string): Promise<Share[]> {
    const reply = await this.#slot.read('list_shares', [account, space])
    if (reply === null) throw noSuchSpace()
    return rows(reply, 5)
      .map(([kind, owner, name, letters, created]) => {
        const group =
          kind === 'public'
            ? ('public' as const)
            : { kind: kind as GroupKind, owner: owner as string, name: name as string }
        const target = { group, letters: letters as string }
        return { ...target, name: formatShareTarget(target), created: Number(created) }
      })
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** One of `list`; `target` with or without letters. NOT_FOUND. */
  async find(account: string, space: string, target: string): Promise<Share> {
    const wanted = formatShareTarget({ ...parseTargetToFind(target), letters: 'r' })
    const shares = await this.list(account, space)
    const share = shares.find(({ group }) => formatShareTarget({ group, letters: 'r' }) === wanted)
    if (!share) throw notShared(target)
    return share
  }
}

function notShared(target: string): SpaceError {
  return new SpaceError('NOT_FOUND', `The space is not shared with ${quote(target)}.`)
}

/** What could never be put is not there. */
function parseTargetToFind(target: string): ShareTarget {
  try {
    return parseShareTarget(target)
  } catch (error) {
    if (error instanceof SpaceError) throw notShared(target)
    throw error
  }
}

function groupArgs(group: ShareTarget['group']): [string, string, string] {
  return group === 'public' ? ['public', '', ''] : [group.kind, group.owner, group.name]
}
