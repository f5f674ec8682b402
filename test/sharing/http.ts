import type { TestServer, TestUser } from '../support/server.js'

/** Requests that expect to be let in: rejects with the answer where they are not. */
export async function must(user: TestUser, method: string, path: string, body?: string): Promise<Response> {
  const response = await user.fetch(path, { method, ...(body !== undefined && { body }) })
  if (response.ok) return response
  throw new Error(`${user.account.name}: ${method} ${path}: ${response.status} ${await response.text()}`)
}

/** A group of `founder` with members, all by HTTP. */
export async function teamOf(
  founder: TestUser,
  name: string,
  ...members: readonly TestUser[]
): Promise<string> {
  await must(founder, 'PUT', `/v1/admin/groups/${name}`)
  const full = `@${founder.account.name}~${name}`
  for (const member of members) {
    await must(founder, 'PUT', `/v1/admin/groups/${name}/roles/members/${member.account.name}`)
    await must(member, 'POST', `/v1/admin/invites/${full}/accept`, 'yes')
  }
  return full
}

/** An account with a space `data` that holds `a/f.txt`. */
export async function ownerOf(server: TestServer, name: string): Promise<TestUser> {
  const user = await server.user(name)
  await must(user, 'PUT', '/v1/code/spaces/data')
  await must(user, 'POST', '/v1/code/spaces/data/content/a/f.txt', 'hello')
  return user
}
