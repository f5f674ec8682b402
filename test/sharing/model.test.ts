import test from 'ava'
import fc from 'fast-check'
import { Directory } from '../../src/accounts/directory.js'
import { type GroupAddress, organisation, orgGroup, userGroup } from '../../src/sharing/address.js'
import { SpaceError } from '../../src/space/errors.js'
import { makeSpace, type Somebody, somebody } from '../accounts/fixture.js'
import { testRedis } from '../support/redis.js'
import { accessOf } from './fixture.js'

/**
 * Random histories of sharing against a model that only remembers who granted what to whom: after every step nobody may do
 * more, or less, than a grant explains.
 */

const PEOPLE = ['ann', 'bob', 'cia'] as const
type Person = (typeof PEOPLE)[number]
const SPACES = ['one', 'two'] as const
type Space = (typeof SPACES)[number]
const GROUPS = ['user', 'org'] as const
type GroupName = (typeof GROUPS)[number]
const TAGS = ['+tag', '=tag'] as const
type Tag = (typeof TAGS)[number]

const GUESTS: readonly Person[] = ['bob', 'cia']

type Step =
  | {
      readonly do: 'share' | 'unshare'
      readonly space: Space
      readonly group: GroupName
      readonly write: boolean
    }
  | { readonly do: 'add' | 'accept' | 'decline' | 'remove'; readonly who: Person; readonly group: GroupName }
  | { readonly do: 'dissolve' | 'found'; readonly group: GroupName }
  | { readonly do: 'tag' | 'untag'; readonly space: Space; readonly tag: Tag }
  | { readonly do: 'invite'; readonly who: Person; readonly what: Space | Tag; readonly write: boolean }
  | { readonly do: 'join' | 'revoke' | 'rotate'; readonly who: Person; readonly what: Space | Tag }
  | { readonly do: 'remake'; readonly space: Space }

const of = <T>(values: readonly T[]) => fc.constantFrom(...values)
const what = of([...SPACES, ...TAGS])
const guest = of(GUESTS)
const write = fc.boolean()
const STEP: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: of(['share', 'unshare'] as const), space: of(SPACES), group: of(GROUPS), write }),
  fc.record({ do: of(['add', 'accept', 'decline', 'remove'] as const), who: guest, group: of(GROUPS) }),
  fc.record({ do: of(['add', 'accept'] as const), who: guest, group: of(GROUPS) }),
  fc.record({ do: of(['dissolve', 'found'] as const), group: of(GROUPS) }),
  fc.record({ do: of(['tag', 'untag'] as const), space: of(SPACES), tag: of(TAGS) }),
  fc.record({ do: fc.constant('invite' as const), who: guest, what, write }),
  fc.record({ do: of(['join', 'revoke', 'rotate'] as const), who: guest, what }),
  fc.record({ do: fc.constant('join' as const), who: guest, what }),
  fc.record({ do: fc.constant('remake' as const), space: of(SPACES) }),
)

interface Invited {
  readonly write: boolean
  readonly accepted: boolean
}

/** What is granted, by names; whatever is made again begins empty. */
class Model {
  /** The members of each group that exists; true: accepted. */
  readonly groups = new Map<GroupName, Map<Person, boolean>>(GROUPS.map((name) => [name, new Map()]))
  /** By space and group. */
  readonly shares = new Map<string, boolean>()
  readonly tags = new Set<string>()
  /** By person and what they are invited to. */
  readonly invited = new Map<string, Invited>()

  run(step: Step): void {
    switch (step.do) {
      case 'share':
        if (this.groups.has(step.group)) this.shares.set(`${step.space} ${step.group}`, step.write)
        break
      case 'unshare':
        this.shares.delete(`${step.space} ${step.group}`)
        break
      case 'add': {
        const members = this.groups.get(step.group)
        if (members && !members.has(step.who)) members.set(step.who, false)
        break
      }
      case 'accept':
        if (this.groups.get(step.group)?.has(step.who)) this.groups.get(step.group)?.set(step.who, true)
        break
      case 'decline':
        if (this.groups.get(step.group)?.get(step.who) === false)
          this.groups.get(step.group)?.delete(step.who)
        break
      case 'remove':
        this.groups.get(step.group)?.delete(step.who)
        break
      case 'dissolve':
        this.groups.delete(step.group)
        for (const space of SPACES) this.shares.delete(`${space} ${step.group}`)
        break
      case 'found':
        if (!this.groups.has(step.group)) this.groups.set(step.group, new Map())
        break
      case 'tag':
        this.tags.add(`${step.space} ${step.tag}`)
        break
      case 'untag':
        this.tags.delete(`${step.space} ${step.tag}`)
        break
      case 'invite': {
        if (isTag(step.what) && !SPACES.some((space) => this.tags.has(`${space} ${step.what}`))) break
        const key = `${step.who} ${step.what}`
        this.invited.set(key, { write: step.write, accepted: this.invited.get(key)?.accepted ?? false })
        break
      }
      case 'join': {
        const key = `${step.who} ${step.what}`
        const invitation = this.invited.get(key)
        if (invitation) this.invited.set(key, { ...invitation, accepted: true })
        break
      }
      case 'revoke':
        this.invited.delete(`${step.who} ${step.what}`)
        break
      case 'rotate':
        break
      case 'remake':
        for (const group of GROUPS) this.shares.delete(`${step.space} ${group}`)
        for (const tag of TAGS) this.tags.delete(`${step.space} ${tag}`)
        for (const who of PEOPLE) this.invited.delete(`${who} ${step.space}`)
    }
  }

  access(who: Person, space: Space): 'o' | 'w' | 'r' | undefined {
    if (who === 'ann') return 'o'
    const grants: boolean[] = []
    for (const [name, members] of this.groups) {
      const share = this.shares.get(`${space} ${name}`)
      if (share !== undefined && members.get(who) === true) grants.push(share)
    }
    for (const thing of [space, ...TAGS.filter((tag) => this.tags.has(`${space} ${tag}`))]) {
      const invitation = this.invited.get(`${who} ${thing}`)
      if (invitation?.accepted) grants.push(invitation.write)
    }
    if (grants.includes(true)) return 'w'
    return grants.length > 0 ? 'r' : undefined
  }
}

function isTag(thing: Space | Tag): thing is Tag {
  return thing.startsWith('+') || thing.startsWith('=')
}

/** The same steps on the real thing. */
class Real {
  readonly #people: Readonly<Record<Person, Somebody>>
  readonly #org: string
  readonly #spaces = new Map<Space, string>()
  readonly #tokens = new Map<string, string>()

  private constructor(
    readonly directory: Directory,
    people: Readonly<Record<Person, Somebody>>,
  ) {
    this.#people = people
    this.#org = `org-${people.ann.account.name}`
  }

  static async start(directory: Directory): Promise<Real> {
    const made = PEOPLE.map(async () => {
      const { account, token } = await somebody(directory, { plan: 'basic' })
      await directory.setAccount(account.name, { email: `${account.name}@example.org` })
      return { account: (await directory.loadAccount(account.name)) ?? account, token }
    })
    const [ann, bob, cia] = (await Promise.all(made)) as [Somebody, Somebody, Somebody]
    const real = new Real(directory, { ann, bob, cia })
    for (const space of SPACES) real.#spaces.set(space, await makeSpace(directory, ann.account.id, space))
    await directory.groups.create(ann.account.id, organisation(real.#org))
    for (const group of GROUPS) await directory.groups.create(ann.account.id, real.#address(group))
    return real
  }

  async access(who: Person, space: Space) {
    return accessOf(this.directory, this.#people[who], this.#people.ann, space)
  }

  /** Refusals are answers. */
  async run(step: Step): Promise<void> {
    try {
      await this.#run(step)
    } catch (error) {
      if (!(error instanceof SpaceError)) throw error
    }
  }

  async end(): Promise<void> {
    for (const who of PEOPLE) await this.directory.deleteAccount(this.#people[who].account.name)
  }

  async #run(step: Step): Promise<unknown> {
    const { groups, shares, tags, invitations } = this.directory
    const ann = this.#people.ann.account
    const id = 'space' in step ? (this.#spaces.get(step.space) as string) : ''
    const guest = 'who' in step ? this.#people[step.who].account : ann
    const key = 'what' in step ? `${step.who} ${step.what}` : ''
    const token = this.#tokens.get(key) ?? 'shr_none'
    switch (step.do) {
      case 'share':
        return shares.put(ann.id, id, `${this.#target(step.group)}${step.write ? '~rw' : ''}`)
      case 'unshare':
        return shares.delete(ann.id, id, this.#target(step.group))
      case 'add':
        return groups.setRole(ann.id, this.#address(step.group), guest.name, 'members')
      case 'accept':
        return groups.answerInvite(guest.id, this.#address(step.group), 'yes')
      case 'decline':
        return groups.answerInvite(guest.id, this.#address(step.group), 'no')
      case 'remove':
        return groups.removeMember(ann.id, this.#address(step.group), guest.name)
      case 'dissolve':
        return groups.delete(ann.id, this.#address(step.group))
      case 'found':
        return groups.create(ann.id, this.#address(step.group))
      case 'tag':
        return tags.put(ann.id, id, step.tag)
      case 'untag':
        return tags.delete(ann.id, id, step.tag)
      case 'invite': {
        const permission = step.write ? 'write' : 'read'
        const made = await invitations.create(ann.id, { tag: step.what, email: guest.email, permission })
        return this.#tokens.set(key, made.token)
      }
      case 'join':
        return invitations.join(guest.id, token)
      case 'revoke':
        return invitations.revoke(ann.id, token)
      case 'rotate':
        return this.#tokens.set(key, (await invitations.rotate(ann.id, token)).token)
      case 'remake':
        await this.directory.dropSpace(ann.id, step.space)
        return this.#spaces.set(step.space, await makeSpace(this.directory, ann.id, step.space))
    }
  }

  #address(group: GroupName): GroupAddress {
    return group === 'user' ? userGroup(this.#people.ann.account.name, 'team') : orgGroup(this.#org, 'team')
  }

  #target(group: GroupName): string {
    return group === 'user' ? `@${this.#people.ann.account.name}~team` : `+${this.#org}~team`
  }
}

const server = await testRedis()
const redis = await server.connect()
const directory = new Directory(redis)
test.after.always(() => server.stop())

test('whatever happens in whatever order, access is what the grants say, and nothing is left in the end', async (t) => {
  const history = fc.array(STEP, { minLength: 30, maxLength: 60 })
  let granted = 0
  await fc.assert(
    fc.asyncProperty(history, async (steps) => {
      await redis.flushall()
      const [model, real] = [new Model(), await Real.start(directory)]
      for (const step of steps) {
        model.run(step)
        await real.run(step)
        for (const space of SPACES) {
          for (const who of PEOPLE) {
            const expected = model.access(who, space)
            const found = await real.access(who, space)
            if (found !== expected) {
              throw new Error(`${who} in ${space} after ${JSON.stringify(step)}: ${found}, not ${expected}`)
            }
            if (expected !== undefined && expected !== 'o') granted++
          }
        }
      }
      await real.end()
      const left = (await redis.keys('*')).filter((name) => !/^\{acct\}:(?:spaces|op:|v$)/.test(name))
      if (left.length > 0) throw new Error(`left over: ${left.join(', ')}`)
    }),
    { numRuns: 40, includeErrorInReport: true },
  )
  t.true(granted > 100, `only ${granted} grants were looked at`)
})
