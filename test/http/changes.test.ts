import test from 'ava'
import { contentOf, json, jsonBody, refuses } from '../support/http.js'
import { type TestServer, testServer } from '../support/server.js'

let server: TestServer
test.before(async () => {
  server = await testServer({ settings: { heartbeatMs: 50 } })
})
test.after.always(() => server.stop())

async function space(name: string, user = server) {
  const made = await user.fetch(`/v1/code/spaces/${name}`, { method: 'PUT' })
  if (made.status !== 201) throw new Error(await made.text())
  const changes = (search = '', init: RequestInit = {}) =>
    user.fetch(`/v1/code/spaces/${name}/changes${search}`, init)
  return { ...contentOf(user, name), changes }
}

/** The events of a stream, one after the other; comments too. */
async function* events(response: Response): AsyncGenerator<string> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  for (;;) {
    for (let end = rest.indexOf('\n\n'); end !== -1; end = rest.indexOf('\n\n')) {
      yield rest.slice(0, end)
      rest = rest.slice(end + 2)
    }
    const chunk = await reader?.read()
    if (!chunk || chunk.done) return
    rest += chunk.value
  }
}

async function nextRow(stream: AsyncGenerator<string>): Promise<{ id: number; path: string }> {
  for (;;) {
    const { value, done } = await stream.next()
    if (done) throw new Error('the stream ended')
    const [, id, data] = /^id: (\d+)\ndata: (.*)$/.exec(value) ?? []
    if (data !== undefined) return { ...JSON.parse(data), id: Number(id) }
  }
}

test('every change is a row; deletes leave tombstones, moves tell where from', async (t) => {
  const s = await space('rows')
  const one = await json(await s.post('r/q1.csv', { body: 'abc' }))
  const two = await json(await s.post('r/q1.csv', { body: 'abcd' }))
  await s.patch('r/q1.csv', jsonBody({ to: 'q.csv' }))
  await s.delete('q.csv')
  const response = await s.changes('?since=0')
  t.is(response.headers.get('x-nvm-type'), 'file')
  const answer = await json(response)
  t.deepEqual(Object.keys(answer), ['changes', 'latest_seq', 'has_more', 'epoch'])
  t.is(response.headers.get('x-nvm-epoch'), answer.epoch)
  t.is(answer.latest_seq, 5)
  t.false(answer.has_more)
  t.deepEqual(Object.keys(answer.changes[0]), [
    'seq',
    'path',
    'change',
    'old_path',
    'type',
    'etag',
    'size_bytes',
    'created_on',
  ])
  t.deepEqual(
    answer.changes.map(({ created_on: _, ...row }: Record<string, unknown>) => Object.values(row)),
    [
      [1, 'r', 'create', null, 'dir', null, null],
      [2, 'r/q1.csv', 'create', null, 'file', one.etag, 3],
      [3, 'r/q1.csv', 'update', null, 'file', two.etag, 4],
      [4, 'q.csv', 'move', 'r/q1.csv', 'file', two.etag, 4],
      [5, 'q.csv', 'delete', null, 'file', two.etag, 4],
    ],
  )
  t.regex(answer.changes[0].created_on, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
})

test('since and limit page; what they may not be is 400, naming both', async (t) => {
  const s = await space('pages')
  for (const name of ['a', 'b', 'c']) await s.put(name)
  const page = await json(await s.changes('?since=1&limit=1'))
  t.deepEqual(
    page.changes.map((row: { seq: number }) => row.seq),
    [2],
  )
  t.true(page.has_more)
  t.deepEqual((await json(await s.changes('?since=99'))).changes, [])
  for (const [name, value] of [
    ['since', '-1'],
    ['since', 'x'],
    ['since', '1.5'],
    ['since', ''],
    ['limit', '0'],
    ['limit', '1001'],
    ['wait', '61'],
    ['wait', '-1'],
  ] as const) {
    await refuses(t, await s.changes(`?${name}=${value}`), 400, name, `"${value}"`)
  }
})

test('another epoch is gone: 410 with the one that rules', async (t) => {
  const s = await space('epochs')
  const { epoch } = await json(await s.changes())
  t.is((await s.changes(`?epoch=${epoch}`)).status, 200)
  const response = await s.changes('?since=3&epoch=other')
  t.is(response.headers.get('x-nvm-epoch'), epoch)
  const body = await json(response.clone())
  t.is(body.epoch, epoch)
  await refuses(t, response, 410, '"other"', epoch)
})

test('wait answers as soon as something happens, or with nothing when the time is over', async (t) => {
  const s = await space('wait')
  await s.put('a')
  t.is((await json(await s.changes('?since=0&wait=60'))).changes.length, 1)
  t.deepEqual((await json(await s.changes('?since=1&wait=0'))).changes, [])
  const waiting = s.changes('?since=1&wait=60')
  await s.put('b')
  t.deepEqual(
    (await json(await waiting)).changes.map((row: { path: string }) => row.path),
    ['b'],
  )
  t.deepEqual((await json(await s.changes('?since=2&wait=1'))).changes, [])
})

test('as an event stream: what was, what comes, and heart-beats between', async (t) => {
  const s = await space('stream')
  await s.put('before')
  const response = await s.changes('?since=0', { headers: { accept: 'text/event-stream' } })
  t.is(response.status, 200)
  t.regex(response.headers.get('content-type') ?? '', /^text\/event-stream/)
  t.truthy(response.headers.get('x-nvm-epoch'))
  t.is(response.headers.get('x-nvm-type'), 'file')
  t.is(response.headers.get('x-nvm-permissions'), 'r')
  const stream = events(response)
  t.like(await nextRow(stream), { id: 1, seq: 1, path: 'before', change: 'create' })
  await s.put('after')
  t.like(await nextRow(stream), { id: 2, path: 'after' })
  t.true((await stream.next()).value?.startsWith(': '))
  await stream.return(undefined)
})

test('a stream resumes from Last-Event-ID', async (t) => {
  const s = await space('resume')
  for (const name of ['a', 'b', 'c']) await s.put(name)
  const open = (id: string) =>
    s.changes('?since=0', { headers: { accept: 'text/event-stream', 'last-event-id': id } })
  const stream = events(await open('2'))
  t.like(await nextRow(stream), { id: 3, path: 'c' })
  await stream.return(undefined)
  await refuses(t, await open('x'), 400, 'Last-Event-ID', 'x')
})

test('a stream ends for whoever loses access: token revoked, flag off, space deleted', async (t) => {
  const ends = async (
    name: string,
    lose: (user: Awaited<ReturnType<TestServer['user']>>) => Promise<unknown>,
  ) => {
    const user = await server.user(name)
    await user.fetch('/v1/code/spaces/s', { method: 'PUT' })
    const response = await user.fetch('/v1/code/spaces/s/changes', {
      headers: { accept: 'text/event-stream' },
    })
    const stream = events(response)
    await stream.next()
    await lose(user)
    for await (const _ of stream);
    t.pass()
  }
  await ends('rev', ({ account }) => server.directory.revokeToken(account.id, 'test'))
  await ends('flag', () => server.directory.setAccount('flag', { spacesEnabled: false }))
  await ends('del', ({ fetch }) => fetch('/v1/code/spaces/s', { method: 'DELETE' }))
})

test('a stream goes on through a renaming of its space', async (t) => {
  const s = await space('oldname')
  const stream = events(await s.changes('', { headers: { accept: 'text/event-stream' } }))
  await stream.next()
  await server.fetch('/v1/code/spaces/oldname', { method: 'PATCH', body: 'newname' })
  await server.fetch('/v1/code/spaces/newname/content/x', { method: 'PUT' })
  t.like(await nextRow(stream), { path: 'x' })
  await stream.return(undefined)
  await server.fetch('/v1/code/spaces/newname', { method: 'DELETE' })
})

test('stopping the server ends streams and waiting', async (t) => {
  let watched = () => {}
  const own = await testServer({
    wrap: (deps) => ({
      ...deps,
      watcher: {
        watch: async (...args) => {
          const watch = await deps.watcher.watch(...args)
          watched()
          return watch
        },
      },
    }),
  })
  await own.fetch('/v1/code/spaces/s', { method: 'PUT' })
  const stream = events(
    await own.fetch('/v1/code/spaces/s/changes', { headers: { accept: 'text/event-stream' } }),
  )
  await stream.next()
  const isWaiting = new Promise<void>((resolve) => {
    watched = resolve
  })
  const waiting = own.fetch('/v1/code/spaces/s/changes?wait=60')
  await isWaiting
  await own.stop()
  for await (const _ of stream);
  t.deepEqual((await json(await waiting)).changes, [])
})
