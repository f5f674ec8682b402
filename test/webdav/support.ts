import { request } from 'node:http'
import type { ExecutionContext } from 'ava'
import { davChild, elementsOf, textOf, type XmlElement } from '../../src/webdav/xml/element.js'
import { parseXml } from '../../src/webdav/xml/parse.js'
import { team } from '../sharing/fixture.js'
import type { TestServer, TestUser } from '../support/server.js'

export interface DavAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
  /** The body as XML. */
  xml(): XmlElement
}

type Headers = Readonly<Record<string, string>>

/** Sends any method with any path as it is, as clients of drives do. */
export type DavRequest = (
  method: string,
  path: string,
  headers?: Headers,
  body?: string | Buffer,
) => Promise<DavAnswer>

export function davOf({ port }: Pick<TestServer, 'port'>, user?: Pick<TestUser, 'token'>): DavRequest {
  const authorization = user && `Basic ${Buffer.from(`any:${user.token}`).toString('base64')}`
  return (method, path, headers = {}, body) =>
    new Promise((resolve, reject) => {
      const sent = request(
        {
          port,
          host: '127.0.0.1',
          method,
          path,
          headers: {
            ...(authorization && { authorization }),
            ...(body !== undefined &&
              !headers['transfer-encoding'] && { 'content-length': Buffer.byteLength(body) }),
            ...headers,
          },
        },
        (response) => {
          let text = ''
          response.setEncoding('utf8').on('data', (piece: string) => {
            text += piece
          })
          response.on('error', reject)
          response.on('end', () =>
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers as Record<string, string>,
              text,
              xml: () => parseXml(Buffer.from(text)),
            }),
          )
        },
      )
      sent.on('error', reject)
      sent.end(body)
    })
}

/** The request is refused with this status, in JSON that is a sentence and holds the texts. */
export function refusedAs(
  t: ExecutionContext,
  { status, headers, text }: DavAnswer,
  expected: number,
  ...texts: readonly string[]
): void {
  t.is(status, expected, text)
  t.regex(headers['content-type'] ?? '', /^application\/json/)
  const { message } = JSON.parse(text)
  t.regex(message, /^\P{Ll}.*[.)]$/su, `a sentence: ${message}`)
  for (const one of texts) t.true(message.includes(one), `${message} should name ${one}`)
}

/** The request is refused with this status, and the body names the condition of RFC 4918 §16. */
export function refusedFor(
  t: ExecutionContext,
  answer: DavAnswer,
  expected: number,
  condition: string,
  ...hrefs: readonly string[]
): void {
  t.is(answer.status, expected, answer.text)
  t.regex(answer.headers['content-type'] ?? '', /^application\/xml/)
  const named = davChild(answer.xml(), condition)
  t.truthy(named, `${answer.text} should name ${condition}`)
  if (hrefs.length > 0) t.deepEqual(named && elementsOf(named).map(textOf), [...hrefs])
}

/** What a multistatus says of one resource. */
export interface Told {
  readonly href: string
  /** Of the resource itself, where it says no more. */
  readonly status: number | undefined
  /** Properties by `{namespace}name`, or by name alone in `DAV:`: status and the element. */
  readonly properties: ReadonlyMap<string, { readonly status: number; readonly element: XmlElement }>
  /** The text of a property that is there. */
  text(name: string): string | undefined
  /** Names of the properties with a status. */
  named(status: number): string[]
}

export function told(answer: DavAnswer): Told[] {
  if (answer.status !== 207) throw new Error(`${answer.status} instead of a multistatus: ${answer.text}`)
  return elementsOf(answer.xml())
    .filter(({ local }) => local === 'response')
    .map(toldOf)
}

/** The only resource it tells of. */
export function toldOne(answer: DavAnswer): Told {
  const [one, ...more] = told(answer)
  if (!one || more.length > 0) throw new Error(`not one response: ${answer.text}`)
  return one
}

function toldOf(response: XmlElement): Told {
  const properties = new Map<string, { status: number; element: XmlElement }>()
  for (const propstat of elementsOf(response).filter(({ local }) => local === 'propstat')) {
    const status = statusOf(propstat) ?? 0
    const prop = davChild(propstat, 'prop')
    for (const element of prop ? elementsOf(prop) : []) {
      const name = element.uri === 'DAV:' ? element.local : `{${element.uri}}${element.local}`
      properties.set(name, { status, element })
    }
  }
  const href = davChild(response, 'href')
  return {
    href: href ? textOf(href) : '',
    status: statusOf(response),
    properties,
    text: (name) => {
      const found = properties.get(name)
      return found?.status === 200 ? textOf(found.element) : undefined
    },
    named: (status) => [...properties].filter(([, one]) => one.status === status).map(([name]) => name),
  }
}

function statusOf(element: XmlElement): number | undefined {
  const status = davChild(element, 'status')
  return status && Number(/ (\d{3}) /.exec(textOf(status))?.[1])
}

export function propfindBody(...names: readonly string[]): string {
  return `<propfind xmlns="DAV:"><prop>${names.map((name) => `<${name}/>`).join('')}</prop></propfind>`
}

const SCOPES = { exclusive: '<D:exclusive/>', shared: '<D:shared/>' }

export function lockBody(scope: keyof typeof SCOPES = 'exclusive', owner = 'me'): string {
  return (
    `<?xml version="1.0"?><D:lockinfo xmlns:D="DAV:"><D:lockscope>${SCOPES[scope]}</D:lockscope>` +
    `<D:locktype><D:write/></D:locktype><D:owner>${owner}</D:owner></D:lockinfo>`
  )
}

/** Takes a lock and gives its token back. */
export async function lockToken(
  dav: DavRequest,
  path: string,
  headers: Headers = {},
  scope: keyof typeof SCOPES = 'exclusive',
): Promise<string> {
  const { status, headers: answered, text } = await dav('LOCK', path, headers, lockBody(scope))
  if (status !== 200 && status !== 201) throw new Error(`LOCK ${path} was answered ${status}: ${text}`)
  return /^<(urn:uuid:[\da-f-]{36})>$/.exec(answered['lock-token'] ?? '')?.[1] ?? ''
}

/** Shares a space of the server's own account with others, through a group that is made for it. */
export async function share(
  server: TestServer,
  space: string,
  letters: '' | '~rw',
  ...members: readonly TestUser[]
): Promise<void> {
  const { directory, account } = server
  const name = `with-${space}`
  await team(directory, server, name, ...members)
  const found = (await directory.listSpaces(account.id)).find((one) => one.name === space)
  await directory.shares.put(account.id, found?.id ?? '', `@${account.name}~${name}${letters}`)
}

/** The journal's rows of a space, as `change path`. */
export async function journal(user: TestUser, space: string): Promise<string[]> {
  const response = await user.fetch(`/v1/code/spaces/${space}/changes`)
  const { changes } = (await response.json()) as { changes: { change: string; path: string }[] }
  return changes.map(({ change, path }) => `${change} ${path}`)
}
