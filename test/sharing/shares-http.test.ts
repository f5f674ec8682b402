import { once } from 'node:events'
import { request } from 'node:http'
import test from 'ava'
import { json, refuses } from '../support/http.js'
import { type TestServer, testServer } from '../support/server.js'
import { must, ownerOf, teamOf } from './http.js'

let server: TestServer
test.before(async () => {
  server = await testServer()
})
test.after.always(() => server.stop())

const names = async (response: Promise<Response>) =>
  (await json(await response)).map((row: { name: string }) => row.name)

test('shared/ takes, shows and gives back shares', async (t) => {
  const ann = await ownerOf(server, 'ann1')
  const shared = '/v1/code/spaces/data/shared'
  const team = await teamOf(ann, 'team')
  t.deepEqual(await names(ann.fetch(shared)), [])
  t.is((await ann.fetch(`${shared}/${team}~r`, { method: 'PUT' })).status, 201)
  t.is((await ann.fetch(`${shared}/${team}`, { method: 'PUT' })).status, 200)
  t.like(await json(await ann.fetch(shared)), [{ name: team, permissions: ['r', 'w', 'd'], share: ['r'] }])
  t.is((await ann.fetch(`${shared}/${team}~rw`, { method: 'PUT' })).status, 200)
  t.deepEqual(await names(ann.fetch(shared)), [`${team}~rw`])
  t.like(await json(await ann.fetch(`${shared}/${team}`)), { name: `${team}~rw`, permissions: ['r', 'w'] })
  await refuses(t, await ann.fetch(`${shared}/@ann1`, { method: 'PUT' }), 403, '"@ann1"')
  await refuses(t, await ann.fetch(`${shared}/+acme`, { method: 'PUT' }), 403, '"+acme"')
  await refuses(t, await ann.fetch(`${shared}/${team}~rx`, { method: 'PUT' }), 400, '"x"')
  await refuses(t, await ann.fetch(`${shared}/@ann1~none`, { method: 'PUT' }), 404, '@ann1~none')
  await refuses(t, await ann.fetch(`${shared}/public`, { method: 'PUT' }), 403, 'public')
  await must(ann, 'POST', '/v1/admin/profile/public', 'yes')
  await must(ann, 'PUT', `${shared}/public`)
  t.deepEqual(await names(ann.fetch(shared)), [`${team}~rw`, 'public'])
  await must(ann, 'DELETE', `${shared}/${team}`)
  await refuses(t, await ann.fetch(`${shared}/${team}`, { method: 'DELETE' }), 404, team)
  await refuses(t, await ann.fetch('/v1/code/spaces/none/shared'), 404, '"none"')
})

test('a reader sees the space at its path, in listings, headers and rows, and changes nothing', async (t) => {
  const ann = await ownerOf(server, 'ann2')
  const [bob, eve] = [await server.user('bob2'), await server.user('eve2')]
  const team = await teamOf(ann, 'team', bob)
  const space = '/v1/users/ann2/code/spaces/data'
  const leaf = '/v1/users/ann2/groups/team/shared/code/spaces'
  await refuses(t, await bob.fetch(space), 404, '"data"', '"ann2"')
  await refuses(t, await bob.fetch(leaf), 404)
  t.deepEqual(await names(bob.fetch('/v1/users/ann2/code/spaces')), [])
  await must(ann, 'PUT', `${space}/shared/${team}`)
  t.deepEqual(await names(bob.fetch('/v1/users/ann2/code/spaces')), ['data'])
  t.like(await json(await bob.fetch(leaf)), [{ name: '@ann2~data', uri: space }])
  await refuses(t, await eve.fetch(leaf), 404)
  const read = await bob.fetch(space)
  t.is(read.headers.get('x-nvm-permissions'), 'r')
  const file = await bob.fetch(`${space}/content/a/f.txt`)
  t.is(file.headers.get('x-nvm-permissions'), 'r')
  t.is(await file.text(), 'hello')
  const [row] = await json(await bob.fetch(`${space}/content`))
  t.like(row, { name: 'a', permissions: ['r'], actions: ['GET', 'OPTIONS'] })
  t.is((await json(await bob.fetch(`${space}/changes`))).changes.length, 2)
  t.deepEqual(await names(bob.fetch(`${space}/shared`)), [team])
  for (const [method, path] of [
    ['POST', '/content/g'],
    ['PUT', '/content/d/'],
    ['DELETE', '/content/a/f.txt'],
    ['POST', '/summary'],
    ['DELETE', ''],
    ['PUT', `/shared/${team}~rw`],
    ['DELETE', `/shared/${team}`],
    ['PUT', '/tags/=topic'],
  ] as const) {
    const response = await bob.fetch(space + path, { method, ...(method === 'POST' && { body: 'x' }) })
    await refuses(t, response, 403)
    const strange = await eve.fetch(space + path, { method, ...(method === 'POST' && { body: 'x' }) })
    await refuses(t, strange, 404)
  }
})

test('a writer changes content and nothing else; it counts against the owner', async (t) => {
  const ann = await ownerOf(server, 'ann3')
  const bob = await server.user('bob3', { plan: 'free' })
  const team = await teamOf(ann, 'team', bob)
  const space = '/v1/users/ann3/code/spaces/data'
  await must(ann, 'PUT', `${space}/shared/${team}~rw`)
  await must(bob, 'POST', `${space}/content/b.txt`, 'by bob')
  const [a, b] = await json(await bob.fetch(`${space}/content`))
  t.like([a, b], [{ permissions: ['r', 'w', 'd'] }, { name: 'b.txt', permissions: ['r', 'w', 'd'] }])
  t.true(b.actions.includes('DELETE'))
  t.is((await bob.fetch(space)).headers.get('x-nvm-permissions'), 'r')
  await must(bob, 'DELETE', `${space}/content/a?recursive=true`)
  await refuses(t, await bob.fetch(space, { method: 'DELETE' }), 403)
  await refuses(t, await bob.fetch(`${space}/description`, { method: 'POST', body: 'x' }), 403)
  t.is((await json(await ann.fetch('/v1/admin/profile/overview'))).usage.bytes, 6)
})

test('a grant for one space is none for another', async (t) => {
  const ann = await ownerOf(server, 'ann4')
  await must(ann, 'PUT', '/v1/code/spaces/secret')
  const bob = await server.user('bob4')
  await must(ann, 'PUT', `/v1/code/spaces/data/shared/${await teamOf(ann, 'team', bob)}`)
  await refuses(t, await bob.fetch('/v1/users/ann4/code/spaces/secret'), 404)
  t.deepEqual(await names(bob.fetch('/v1/users/ann4/code/spaces')), ['data'])
})

test('an upload that ends after its writer was removed is refused, however small', async (t) => {
  const ann = await ownerOf(server, 'ann5')
  const bob = await server.user('bob5')
  await must(ann, 'PUT', `/v1/code/spaces/data/shared/${await teamOf(ann, 'team', bob)}~rw`)
  for (const size of [10, 200_000]) {
    const path = `/v1/users/ann5/code/spaces/data/content/${size}`
    const upload = request(server.url + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${bob.token}`, 'content-length': size, expect: '100-continue' },
    })
    upload.flushHeaders()
    await once(upload, 'continue')
    upload.write('x'.repeat(size / 2))
    await must(ann, 'DELETE', '/v1/admin/groups/team/roles/members/bob5')
    upload.end('x'.repeat(size / 2))
    const [response] = await once(upload, 'response')
    response.resume()
    t.is(response.statusCode, 404)
    await refuses(t, await ann.fetch(`/v1/code/spaces/data/content/${size}`), 404)
    await must(ann, 'PUT', '/v1/admin/groups/team/roles/members/bob5')
    await must(bob, 'POST', '/v1/admin/invites/@ann5~team/accept', 'yes')
  }
})

test('a small upload that trickles in is refused too', async (t) => {
  const ann = await ownerOf(server, 'ann6')
  const bob = await server.user('bob6')
  const team = await teamOf(ann, 'team', bob)
  const space = '/v1/users/ann6/code/spaces/data'
  await must(ann, 'PUT', `${space}/shared/${team}~rw`)
  const upload = request(`${server.url}${space}/content/small`, {
    method: 'POST',
    headers: { authorization: `Bearer ${bob.token}`, 'content-length': 10 },
  })
  upload.write('12345')
  // Answered after the upload's headers were: those came first, on another connection of the same server.
  while ((await bob.fetch(space)).status === 200) await must(ann, 'DELETE', `${space}/shared/${team}`)
  upload.end('67890')
  const [response] = await once(upload, 'response')
  response.resume()
  t.is(response.statusCode, 404)
})

test('long polls and event streams of somebody who lost access end', async (t) => {
  const ann = await ownerOf(server, 'ann7')
  const bob = await server.user('bob7')
  const team = await teamOf(ann, 'team', bob)
  const space = '/v1/users/ann7/code/spaces/data'
  await must(ann, 'PUT', `${space}/shared/${team}`)
  const stream = await bob.fetch(`${space}/changes?since=2`, { headers: { accept: 'text/event-stream' } })
  t.is(stream.status, 200)
  const poll = bob.fetch(`${space}/changes?since=2&wait=60`)
  await must(ann, 'DELETE', '/v1/admin/groups/team/roles/members/bob7')
  await refuses(t, await poll, 404)
  t.notRegex(await stream.text(), /data:/)
})

test('tags over HTTP', async (t) => {
  const ann = await ownerOf(server, 'ann8')
  const bob = await server.user('bob8')
  await must(ann, 'PUT', `/v1/code/spaces/data/shared/${await teamOf(ann, 'team', bob)}`)
  const tags = '/v1/users/ann8/code/spaces/data/tags'
  t.is((await ann.fetch(`${tags}/=topic`, { method: 'PUT' })).status, 201)
  t.is((await bob.fetch(`${tags}/+todo`, { method: 'PUT' })).status, 201)
  t.is((await bob.fetch(`${tags}/+todo`, { method: 'PUT' })).status, 200)
  await refuses(t, await bob.fetch(`${tags}/Nonsense`, { method: 'PUT' }), 400, 'Nonsense')
  t.deepEqual(await names(bob.fetch(tags)), ['+todo', '=topic'])
  t.deepEqual(await names(ann.fetch(tags)), ['=topic'])
  t.is((await json(await bob.fetch(`${tags}/+todo`))).name, '+todo')
  await refuses(t, await ann.fetch(`${tags}/+todo`), 404, '+todo')
  t.like(await json(await bob.fetch('/v1/tags/+todo/code/spaces')), [{ name: '@ann8~data' }])
  t.deepEqual(await names(bob.fetch('/v1/tags/=topic/code/spaces')), ['@ann8~data'])
  t.deepEqual(await names(bob.fetch('/v1/tags')), ['+todo'])
  t.deepEqual(await names(bob.fetch('/v1/tags/+todo')), ['code'])
  t.deepEqual(await names(ann.fetch('/v1/tags/+todo/code/spaces')), [])
  await refuses(t, await ann.fetch('/v1/tags/nonsense/code/spaces'), 404, 'nonsense')
  await must(bob, 'DELETE', `${tags}/+todo`)
  await refuses(t, await bob.fetch(`${tags}/=topic`, { method: 'DELETE' }), 403, '=topic')
})

test('the graph query shows shares and tags', async (t) => {
  const ann = await ownerOf(server, 'ann9')
  const bob = await server.user('bob9')
  const team = await teamOf(ann, 'team', bob)
  await must(ann, 'PUT', `/v1/code/spaces/data/shared/${team}`)
  await must(ann, 'PUT', '/v1/code/spaces/data/tags/fav')
  const ask = async (user: typeof ann, variables = {}) =>
    (await json(await user.fetch('/gql', { method: 'POST', body: JSON.stringify({ query: '', variables }) })))
      .data
  t.like((await ask(ann)).me.spaces, [
    {
      name: 'data',
      public: false,
      shared: [{ id: team, name: team, type: 'user_group' }],
      tags: [{ name: 'fav' }],
    },
  ])
  t.like((await ask(bob, { author: 'ann9' })).spaces, [{ name: 'data', tags: [] }])
})
