import type { ExecutionContext } from 'ava'
import { Directory } from '../../src/accounts/directory.js'
import { json } from '../support/http.js'
import { type TestServer, type TestUser, testServer } from '../support/server.js'

/** Two who change one space, and what may happen to them: for the tests of what is presumed of who asks. */

export interface World {
  readonly server: TestServer
  /** Owns the space `s`, and has a group in which bob is. */
  readonly ann: TestUser
  /** May write in `s` by a share. */
  readonly bob: TestUser
  /** What another process does. */
  readonly directory: Directory
}

export const must = async (answer: Promise<Response>): Promise<Response> => {
  const response = await answer
  if (response.status >= 300) throw new Error(`${response.status}: ${await response.text()}`)
  return response
}
export const put = (who: TestUser, path: string) => must(who.fetch(path, { method: 'PUT' }))

export const TEAM = '/v1/admin/groups/team'
export const SHARES = '/v1/code/spaces/s/shared'

export async function world(t: ExecutionContext): Promise<World> {
  const server = await testServer({ plans: { basic: { fileBytes: 10 }, enterprise: { entries: 2 } } })
  t.teardown(() => server.stop())
  const bob = await server.user('bob')
  await put(server, '/v1/code/spaces/s')
  await put(server, TEAM)
  await put(server, `${TEAM}/roles/members/bob`)
  await must(bob.fetch('/v1/admin/invites/@ann~team/accept', { method: 'POST', body: 'yes' }))
  await put(server, `${SHARES}/@ann~team~rw`)
  const directory = new Directory(await server.redis.connect('another process'))
  return { server, ann: server, bob, directory }
}

export type Ask = (who: TestUser, n: number) => Promise<Response>

export const BODY = 'twelve bytes'

export const putAs: Ask = (who, n) => who.fetch(`${davOf(who)}/put${n}`, { method: 'PUT', body: BODY })
export const postAs: Ask = (who, n) => who.fetch(`${novemOf(who)}/posted${n}`, { method: 'POST', body: BODY })
export const makeAs: Ask = (who, n) => who.fetch(`${davOf(who)}/made${n}`, { method: 'MKCOL' })

export const isAnn = (who: TestUser) => who.account.name === 'ann'
export const davOf = (who: TestUser) => (isAnn(who) ? '/dav/s' : '/dav/@ann~s')
export const novemOf = (who: TestUser) =>
  isAnn(who) ? '/v1/code/spaces/s/content' : '/v1/users/ann/code/spaces/s/content'

export const tree = async ({ ann }: World, space = 's') =>
  (await json(await ann.fetch(`/v1/code/spaces/${space}/content?recursive=true`)))
    .map(({ path, etag }: { path: string; etag: string }) => `${path} ${etag}`)
    .sort()

type Expected = Readonly<Record<'ann' | 'bob', number>>

/** What becomes of who asks, and what each of them is answered then; 200 stands for any success. */
export const CHANGES: Readonly<
  Record<string, readonly [change: (world: World) => Promise<unknown>, Expected]>
> = {
  'the token is revoked': [
    ({ directory, ann }) => directory.revokeToken(ann.account.id, 'test'),
    { ann: 401, bob: 200 },
  ],
  'the share ends': [
    ({ ann }) => must(ann.fetch(`${SHARES}/@ann~team`, { method: 'DELETE' })),
    { ann: 200, bob: 404 },
  ],
  'the share becomes one that only reads': [
    ({ ann }) => put(ann, `${SHARES}/@ann~team~r`),
    { ann: 200, bob: 403 },
  ],
  'the member leaves the group': [
    ({ ann }) => must(ann.fetch(`${TEAM}/roles/members/bob`, { method: 'DELETE' })),
    { ann: 200, bob: 404 },
  ],
  'the group is dissolved': [
    ({ ann }) => must(ann.fetch(TEAM, { method: 'DELETE' })),
    { ann: 200, bob: 404 },
  ],
  'the owner’s feature is taken away': [
    ({ directory }) => directory.setAccount('ann', { spacesEnabled: false }),
    { ann: 404, bob: 404 },
  ],
  'the collaborator’s feature is taken away': [
    ({ directory }) => directory.setAccount('bob', { spacesEnabled: false }),
    { ann: 200, bob: 404 },
  ],
  'the collaborator’s account is deleted': [
    ({ directory }) => directory.deleteAccount('bob'),
    { ann: 200, bob: 401 },
  ],
  'the space is renamed': [
    ({ directory, ann }) => directory.renameSpace(ann.account.id, 's', 't'),
    { ann: 404, bob: 404 },
  ],
}
