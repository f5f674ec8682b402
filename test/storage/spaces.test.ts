import test from 'ava'
import { json, jsonBody } from '../support/http.js'
import { type TestServer, type TestUser, testServer } from '../support/server.js'
import { refusedWith } from './support.js'

/** Spaces as storage clients make and find them. */

let server: TestServer
test.before(async () => {
  server = await testServer()
})
test.after.always(() => server.stop())

let count = 0
const newUser = (plan = 'premium') => server.user(`u${count++}`, { plan })
const post = (user: TestUser, path: string, body: object, headers: Record<string, string> = {}) =>
  user.fetch(`/api/v1/space/${path}`, { method: 'POST', ...jsonBody(body, headers) })
const get = (user: TestUser, path: string) => user.fetch(`/api/v1/space/${path}`)
const made = async (user: TestUser, body: object) =>
  (await json(await post(user, 'create', body))).id as string

test('the alias comes from the name, or at random, unless one is given', async (t) => {
  const user = await newUser()
  for (const [body, alias] of [
    [{ name: 'files' }, 'files'],
    [{ name: 'Ünïcode & More!' }, 'unicode-more'],
    [{ name: 'Title', alias: 'other' }, 'other'],
    [{ name: '¿?' }, /^space-[0-9a-f]{8}$/],
    [{}, /^space-[0-9a-f]{8}$/],
  ] as const) {
    const space = await json(await get(user, `${await made(user, body)}/fetch`))
    if (typeof alias === 'string') t.is(space.alias, alias)
    else t.regex(space.alias, alias)
    t.is(space.name, 'name' in body ? body.name : space.alias)
    t.is((await user.fetch(`/v1/code/spaces/${space.alias}`)).status, 200)
  }
})

test('what is wrong with a space to be made', async (t) => {
  const user = await newUser('basic')
  await made(user, { name: 'there' })
  for (const [body, status, code, text] of [
    [{ name: 'there' }, 409, 'CONFLICT', 'there'],
    [{ name: 'x', alias: 'No Alias' }, 400, 'BAD_REQUEST', 'No Alias'],
    [{ name: 7 }, 400, 'BAD_REQUEST', '"name"'],
    [{ name: 'x', meta: 'text' }, 400, 'BAD_REQUEST', '"meta"'],
    [{ name: 'x', contactId: 'c' }, 400, 'BAD_REQUEST', 'contactId'],
    [[], 400, 'BAD_REQUEST', 'object'],
  ] as const) {
    await refusedWith(t, await post(user, 'create', body), status, code, text)
  }
  for (let at = 1; at < 5; at++) await made(user, {})
  await refusedWith(t, await post(user, 'create', { name: 'sixth' }), 429, 'LIMITS_REACHED', 'basic', '5')
  t.is((await json(await get(user, 'list'))).items.length, 5)
})

test('the same Idempotency-Key makes one space', async (t) => {
  const user = await newUser()
  const key = { 'Idempotency-Key': 'one' }
  const answers = [
    await post(user, 'create', { name: 'once' }, key),
    await post(user, 'create', { name: 'once' }, key),
  ]
  const [first, second] = await Promise.all(answers.map(json))
  t.deepEqual(second, first)
})

test('only what is named changes; the id never does', async (t) => {
  const user = await newUser()
  const id = await made(user, { name: 'First Title', description: 'about', meta: { a: [1] } })
  t.deepEqual(await json(await post(user, `${id}/update`, { name: 'Second Title' })), { id })
  t.like(await json(await get(user, `${id}/fetch`)), {
    id,
    name: 'Second Title',
    alias: 'first-title',
    description: 'about',
    meta: { a: [1] },
    owner: user.account.name,
  })
  await post(user, `${id}/update`, { alias: 'papers', description: '', meta: {} })
  t.like(await json(await get(user, `${id}/fetch`)), {
    id,
    name: 'Second Title',
    alias: 'papers',
    description: '',
    meta: {},
  })
  t.is((await user.fetch('/v1/code/spaces/papers')).status, 200)
  t.is(await (await user.fetch('/v1/code/spaces/papers/name')).text(), 'Second Title')
  await made(user, { name: 'taken' })
  await refusedWith(t, await post(user, `${id}/update`, { alias: 'taken' }), 409, 'CONFLICT', 'taken')
  await refusedWith(
    t,
    await post(user, `${id}/update`, { alias: 'Bad Alias' }),
    400,
    'BAD_REQUEST',
    'Bad Alias',
  )
})

test('listings: own and shared spaces, newest first or oldest, page by page', async (t) => {
  const [user, other] = [await newUser(), await newUser('basic')]
  const ids: string[] = []
  for (let at = 0; at < 5; at++) ids.push(await made(user, { name: `space ${at}` }))
  const foreign = await made(other, { name: 'shared' })
  const invitation = { tag: 'shared', email: user.account.email, permission: 'read' } as const
  const { token } = await server.directory.invitations.create(other.account.id, invitation)
  await server.directory.invitations.join(user.account.id, token)
  ids.push(foreign)
  const listed = async (query: string) => {
    const { items, cursor } = await json(await get(user, `list${query}`))
    return { ids: items.map((item: { id: string }) => item.id), cursor }
  }
  const newest = [...ids].reverse()
  t.deepEqual((await listed('')).ids, newest)
  t.deepEqual((await listed('?order=asc')).ids, ids)
  const found: string[] = []
  for (let cursor = ''; ; ) {
    const page = await listed(`?take=2&cursor=${cursor}`)
    found.push(...page.ids)
    cursor = page.cursor
    if (cursor === '') break
  }
  t.deepEqual(found, newest)
  for (const [query, text] of [
    ['?order=up', 'up'],
    ['?take=0', 'take'],
    ['?take=many', 'many'],
    ['?cursor=unknown', 'unknown'],
  ] as const) {
    await refusedWith(t, await get(user, `list${query}`), 400, 'BAD_REQUEST', text)
  }
})

test('who sees a space may not change it, who does not finds none', async (t) => {
  const [owner, guest, stranger] = [await newUser('basic'), await newUser('basic'), await newUser()]
  const id = await made(owner, { name: 'mine' })
  const invitation = { tag: 'mine', email: guest.account.email, permission: 'write' } as const
  const { token } = await server.directory.invitations.create(owner.account.id, invitation)
  await server.directory.invitations.join(guest.account.id, token)
  t.is((await json(await get(guest, `${id}/fetch`))).owner, owner.account.name)
  for (const [path, body] of [
    ['update', { name: 'yours' }],
    ['update', { alias: 'yours' }],
    ['delete', {}],
  ] as const) {
    await refusedWith(t, await post(guest, `${id}/${path}`, body), 403, 'NOT_AUTHORIZED', 'mine')
    await refusedWith(t, await post(stranger, `${id}/${path}`, body), 404, 'NOT_FOUND', id)
  }
  t.deepEqual(await json(await post(owner, `${id}/delete`, {})), { id })
  await refusedWith(t, await get(owner, `${id}/fetch`), 404, 'NOT_FOUND', id)
})

test('OPTIONS says what this caller may do', async (t) => {
  const [owner, reader] = [await newUser('basic'), await newUser('basic')]
  const id = await made(owner, { name: 'options' })
  const invitation = { tag: 'options', email: reader.account.email, permission: 'read' } as const
  const { token } = await server.directory.invitations.create(owner.account.id, invitation)
  await server.directory.invitations.join(reader.account.id, token)
  const allow = async (user: TestUser, path: string) =>
    (await user.fetch(`/api/v1/space/${id}/${path}`, { method: 'OPTIONS' })).headers.get('allow')
  t.is(await allow(owner, 'storage/upload/x'), 'POST, OPTIONS')
  t.is(await allow(reader, 'storage/upload/x'), 'OPTIONS')
  t.is(await allow(reader, 'storage/download/x'), 'GET, HEAD, OPTIONS')
  t.is(await allow(owner, 'delete'), 'POST, OPTIONS')
  t.is(await allow(reader, 'delete'), 'OPTIONS')
})
