/** Sends every request of the table as every role, and says what is not as expected. */
import type { TestServer } from '../support/server.js'
import { type Class, type Expected, expected, ROLES, type Role } from './roles.js'
import type { Route } from './routes.js'
import { leaksIn } from './secrets.js'
import { type Case, casesOf, type Table } from './table.js'
import { type Values, type World, world } from './world.js'

export interface Planned {
  readonly method: string
  readonly pattern: string
  readonly one: Case
  /** Nothing changes by it, so that the world can be used on. */
  readonly safe?: boolean
}

/** All cases of the routes; a route that the table does not know has none. */
export function plansOf(table: Table, routes: readonly Route[]): Planned[] {
  return routes.flatMap(({ verb, pattern }) =>
    casesOf(table, pattern, verb).map((one) => ({ method: verb, pattern, one, safe: verb === 'GET' })),
  )
}

/** The complaints, none where all is well. */
export async function complaintsOf(server: TestServer, planned: readonly Planned[]): Promise<string[]> {
  const complaints: string[] = []
  let current: World | undefined
  // What only reads comes first, while everything is there.
  const order = [true, false].flatMap((safe) => planned.filter((plan) => (plan.safe ?? false) === safe))
  for (const plan of order) {
    for (const role of ROLES) {
      current ??= await world(server)
      const { ok, said } = await ask(current, role, plan)
      complaints.push(...said)
      // Whoever changes something leaves a world that is not as described.
      if (ok && !plan.safe && !plan.one.keeps) current = undefined
    }
  }
  return complaints
}

async function ask(world: World, role: Role, plan: Planned) {
  const { method, pattern, one } = plan
  const { response, request } = await send(world, role, plan)
  const answer = await textOf(response)
  const name = `${role}: ${method} ${pattern}${one.query ?? ''} ${one.body?.slice(0, 40) ?? ''}`
  const wanted = expected(one.of, role)
  const said: string[] = []
  if (!isExpected(response.status, wanted)) said.push(`${name}: ${response.status}, not ${wanted}: ${answer}`)
  const asked = { role, request, shows: response.ok ? one.shows : undefined }
  const leaks = leaksIn(answer, world.secrets, asked)
  if (leaks.length > 0) said.push(`${name}: ${response.status} shows ${leaks.join(', ')}: ${answer}`)
  if (method === 'GET') {
    const head = await send(world, role, { ...plan, method: 'HEAD' })
    const { status } = head.response
    // Ranges are for GET alone (RFC 9110 §14.2).
    const same = response.status === 206 ? 200 : response.status
    if (status !== same) said.push(`${name}: HEAD answers ${status}, not ${same}`)
    const leaked = leaksIn(await textOf(head.response), world.secrets, asked)
    if (leaked.length > 0) said.push(`${name}: HEAD shows ${leaked.join(', ')}`)
  }
  return { ok: response.ok, said }
}

/** Head and body of the answer. */
export async function answerTo(world: World, role: Role, plan: Planned): Promise<string> {
  return textOf((await send(world, role, plan)).response)
}

/** Of what may not be seen at all nothing tells whether it is there. */
const HIDING: readonly Class[] = [
  'read',
  'write',
  'manage',
  'group-read',
  'group-list',
  'group-lead',
  'group-leave',
]

/** How answers about what is hidden differ from those about what does not exist; the names themselves aside. */
export async function differencesOf(world: World, planned: readonly Planned[]): Promise<string[]> {
  const found: string[] = []
  for (const plan of planned) {
    const { of } = plan.one
    const hidden = ROLES.filter((role) => HIDING.includes(of) && expected(of, role) === 404)
    const methods = plan.method === 'GET' ? ['GET', 'HEAD', 'OPTIONS'] : [plan.method]
    for (const role of hidden) {
      for (const method of methods) {
        const values = world.values(role)
        const nowhere = { ...values }
        for (const name of ['space', 'team', 'org', 'hub'] as const)
          nowhere[name] = 'x'.repeat(values[name].length)
        const [there, missing] = await Promise.all(
          [values, nowhere].map(async (as) => {
            const { response } = await send(world, role, { ...plan, method }, as)
            let text = `${response.status}\n${(await textOf(response)).replace(/^(?:date|x-request-id): .*$/gm, '')}`
            for (const name of ['space', 'team', 'org', 'hub'] as const)
              text = text.replaceAll(values[name], nowhere[name])
            return text
          }),
        )
        if (there !== missing)
          found.push(`${role}: ${method} ${plan.pattern}: ${there}\nbut where nothing is: ${missing}`)
      }
    }
  }
  return found
}

async function send(
  world: World,
  role: Role,
  { method, pattern, one }: Planned,
  values = world.values(role),
) {
  const path = pathOf(pattern, values, one)
  const headers = Object.entries(one.headers ?? {}).map(([name, value]): [string, string] => [
    name,
    filled(value, values),
  ])
  const body = one.body === undefined ? undefined : filled(one.body, values)
  const init = { method, headers, ...(body !== undefined && { body }) }
  const caller = world.caller(role)
  const response = await (caller ? caller.fetch(path, init) : fetch(world.server.url + path, init))
  return { response, request: [decodeURIComponent(path), body, ...headers.flat()].join('\n') }
}

/** OPTIONS is 200 on every path for everybody; what it says is by what they may. */
export async function optionsComplaints(world: World, patterns: readonly string[]): Promise<string[]> {
  const complaints: string[] = []
  for (const pattern of patterns) {
    for (const role of ROLES) {
      const { response, request } = await send(world, role, {
        method: 'OPTIONS',
        pattern,
        one: { of: 'open' },
      })
      const answer = await textOf(response)
      if (response.status !== 200)
        complaints.push(`${role}: OPTIONS ${pattern}: ${response.status}: ${answer}`)
      const leaks = leaksIn(answer, world.secrets, { role, request })
      if (leaks.length > 0) complaints.push(`${role}: OPTIONS ${pattern} shows ${leaks.join(', ')}`)
    }
  }
  return complaints
}

function isExpected(status: number, wanted: Expected): boolean {
  return wanted === 'ok' ? status >= 200 && status < 300 : status === wanted
}

/** Head and body, as a stranger with a tape recorder has them. */
async function textOf(response: Response): Promise<string> {
  const head = [...response.headers].map((pair) => pair.join(': ')).join('\n')
  return `${head}\n\n${await response.text()}`
}

function pathOf(
  pattern: string,
  values: Values,
  { params = {}, query = '' }: Pick<Case, 'params' | 'query'>,
): string {
  const path = pattern.replace(/\*|:(\w+)/g, (found, name?: string) => {
    const param = name ?? 'rest'
    const value = params[param] ?? usual(param, pattern)
    return param === 'rest' || found === '*'
      ? filled(value, values)
      : encodeURIComponent(filled(value, values))
  })
  return path + filled(query, values)
}

/** Which thing of the world a parameter means where it stands. */
function usual(param: string, pattern: string): string {
  switch (param) {
    case 'rest':
      return '{folder}/{file}'
    case 'user':
      return '{owner}'
    case 'spaceId':
      return '{owner}~{space}'
    case 'pathId':
    case 'space':
    case 'org':
    case 'token':
      return `{${param}}`
    case 'tag':
      return '{category}'
    case 'role':
      return 'members'
    case 'member':
      return '{reader}'
    case 'name':
      return pattern.includes('/tags') ? '{category}' : '@{owner}~{team}'
    case 'group':
      if (pattern.includes('/orgs/')) return '{hub}'
      return pattern.includes('/users/') ? '{team}' : '@{owner}~{team}'
    default:
      throw new Error(`The matrix knows no value for :${param} of ${pattern}.`)
  }
}

function filled(text: string, values: Values): string {
  return text.replace(/\{(\w+)\}/g, (found, name: keyof Values) => values[name] ?? found)
}
