/** Somebody's space with secrets in every place, and everybody who may or may not see it. */
import { randomBytes } from 'node:crypto'
import { type GroupAddress, organisation, orgGroup, userGroup } from '../../src/sharing/address.js'
import { must } from '../sharing/http.js'
import type { TestServer, TestUser } from '../support/server.js'
import type { Role } from './roles.js'
import type { Home, Secret, SecretKind } from './secrets.js'

type Person = Exclude<Role, 'anonymous' | 'ownerOff'>
const PEOPLE = [
  'owner',
  'writer',
  'reader',
  'invited',
  'exMember',
  'guestReader',
  'guestWriter',
  'expired',
  'stranger',
  'callerOff',
] as const satisfies readonly Person[]

export interface World {
  readonly server: TestServer
  /** Of both homes: nobody sees those of the other either. */
  readonly secrets: readonly Secret[]
  /** Who sends the role's requests; undefined where nobody does. */
  caller(role: Role): TestUser | undefined
  /** What stands in paths and bodies for that role. */
  values(role: Role): Values
}
export type Values = Readonly<
  Record<
    | 'owner'
    | 'space'
    | 'team'
    | 'org'
    | 'hub'
    | 'category'
    | 'folder'
    | 'folderId'
    | 'file'
    | 'pathId'
    | 'token'
    | 'reader'
    | 'stranger',
    string
  >
>

export async function world(server: TestServer): Promise<World> {
  const mark = randomBytes(4).toString('hex')
  const secrets: Secret[] = []
  const planter = (home: Home) => (kind: SecretKind, word: string, text?: string) => {
    const planted = text ?? `sec${home}${word}${mark}`
    secrets.push({ home, kind, text: planted })
    return planted
  }
  const people = Object.fromEntries(
    await Promise.all(
      PEOPLE.map(async (role) => [role, await server.user(`${role.toLowerCase()}-${mark}`)] as const),
    ),
  ) as Record<Person, TestUser>
  const other = await server.user(`other-${mark}`)
  const open = await household(server, people, planter('open'))
  const closed = await household(server, { ...people, owner: other }, planter('closed'))
  await server.directory.setAccount(people.callerOff.account.name, { spacesEnabled: false })
  await server.directory.setAccount(other.account.name, { spacesEnabled: false })
  return {
    server,
    secrets,
    caller: (role) => {
      if (role === 'anonymous') return undefined
      return people[role === 'ownerOff' ? 'writer' : role]
    },
    values: (role) => (role === 'ownerOff' ? closed : open),
  }
}

/** The owner's space: shared with `team` to read and `crew` to write, with an organisation's group, and by invitations. */
async function household(
  server: TestServer,
  people: Readonly<Record<Person, TestUser>>,
  plant: (kind: SecretKind, word: string, text?: string) => string,
): Promise<Values> {
  const { directory } = server
  const { owner } = people
  const by = owner.account.id
  const space = plant('name', 'slug')
  const earlier = `earlier-${randomBytes(4).toString('hex')}`
  const base = `/v1/code/spaces/${space}`
  const [folder, file] = [plant('space', 'folder'), `${plant('space', 'file')}.txt`]
  const made = await must(owner, 'PUT', `/v1/code/spaces/${earlier}`)
  const { shortname } = (await made.json()) as { shortname: string }
  plant('space', 'shortname', shortname)
  const late = await invite(server, owner, earlier, people.expired, 'write')
  await must(owner, 'PATCH', `/v1/code/spaces/${earlier}`, space)
  const folderAnswer = await must(owner, 'PUT', `${base}/content/${folder}/`)
  const { id: folderId } = (await folderAnswer.json()) as { id: number }
  await must(owner, 'POST', `${base}/content/${folder}/${file}`, plant('space', 'bytes'))
  await must(
    owner,
    'PROPPATCH',
    `/dav/${space}/${folder}/${file}`,
    `<propertyupdate xmlns="DAV:"><set><prop><p xmlns="urn:x">${plant('space', 'property')}</p></prop></set></propertyupdate>`,
  )
  for (const name of ['name', 'summary', 'description', 'config/access/ssh', 'config/access/web']) {
    await must(owner, 'POST', `${base}/${name}`, plant('space', name.replace(/.*\//, '')))
  }
  const id = (await directory.load(owner.token, { name: space })).space?.id ?? ''
  const category = `=${plant('space', 'category')}`
  for (const tag of [category, `+${plant('own', 'tag')}`, 'fav']) await directory.tags.put(by, id, tag)

  const team = userGroup(owner.account.name, plant('team', 'team'))
  const crew = userGroup(owner.account.name, plant('crew', 'crew'))
  const org = organisation(plant('team', 'org'))
  const hub = orgGroup(org.name, plant('team', 'hub'))
  const lone = userGroup(owner.account.name, plant('own', 'lone'))
  for (const group of [team, crew, org, hub, lone]) await directory.groups.create(by, group)
  for (const group of [team, org, hub]) {
    await directory.groups.writeProfile(by, group, 'description', plant('team', `${group.name}about`))
  }
  const { writer, reader, callerOff, exMember, invited, guestReader, guestWriter, expired } = people
  for (const group of [team, org, hub])
    await settle(server, owner, group, [writer, reader, callerOff, exMember])
  await settle(server, owner, crew, [writer, callerOff, exMember])
  for (const group of [team, crew, org, hub]) {
    await directory.groups.setRole(by, group, invited.account.name, 'members')
  }
  const targets = [team, hub, lone].map(
    (group) => `${group.kind === '@' ? '@' : '+'}${group.owner}~${group.name}`,
  )
  for (const target of [...targets, `@${crew.owner}~${crew.name}~rw`])
    await directory.shares.put(by, id, target)

  await invite(server, owner, space, guestReader, 'read')
  await invite(server, owner, category, guestWriter, 'write')
  // Everybody who sees it has marked it, also those who soon will not any more.
  for (const { account } of [writer, reader, callerOff, exMember, guestReader, guestWriter, expired]) {
    await directory.tags.put(account.id, id, 'fav')
  }
  const redis = await server.redis.connect('clock')
  await redis.hset(`{acct}:i:${late.slice(4)}`, 'expires', Date.now() - 1)
  redis.disconnect()
  for (const group of [team, crew, hub, org])
    await directory.groups.removeMember(by, group, exMember.account.name)
  const { token } = await directory.invitations.create(by, {
    tag: space,
    email: `${plant('own', 'mail')}@example.org`,
  })
  return {
    owner: owner.account.name,
    team: team.name,
    org: org.name,
    hub: hub.name,
    reader: reader.account.name,
    stranger: people.stranger.account.name,
    folderId: String(folderId),
    space,
    category,
    folder,
    file,
    pathId: Buffer.from(`${folder}/${file}`).toString('base64url'),
    token,
  }
}

/** Invited by token, and joined; the invitation's handle. */
async function invite(
  { directory }: TestServer,
  owner: TestUser,
  tag: string,
  guest: TestUser,
  permission: 'read' | 'write',
): Promise<string> {
  const request = { tag, email: guest.account.email, permission, expiresIn: 3600 }
  const { handle, token } = await directory.invitations.create(owner.account.id, request)
  await directory.invitations.join(guest.account.id, token)
  return handle
}

/** Invited to a group, and accepted. */
async function settle(
  { directory }: TestServer,
  owner: TestUser,
  group: GroupAddress,
  members: readonly TestUser[],
): Promise<void> {
  for (const { account } of members) {
    await directory.groups.setRole(owner.account.id, group, account.name, 'members')
    await directory.groups.answerInvite(account.id, group, 'yes')
  }
}
