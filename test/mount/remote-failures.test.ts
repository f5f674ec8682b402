import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import { openRemoteVolume } from '../../mount/remote/volume.js'
import type { Volume } from '../../mount/volume.js'
import { must, teamOf } from '../sharing/http.js'
import { type TestServer, testServer } from '../support/server.js'
import { WireProxy } from '../support/wire-proxy.js'
import { gate } from './support/scene.js'
import {
  at,
  bodyOf,
  bytesOf,
  fails,
  journalOf,
  key,
  namesIn,
  newSpace,
  put,
  textOf,
} from './support/volumes.js'

/** Whoever waits for the worst does not wait for long; a busy machine must manage all the same. */
const HASTY = { answerMs: 4000, silenceMs: 4000, retryMs: 100, unreachableMs: 300 }

let server: TestServer
test.before(async () => {
  server = await testServer({ settings: { heartbeatMs: 50 } })
})
test.after.always(() => server.stop())

/** A volume behind a network that can fail. */
async function behindProxy(t: ExecutionContext, patience: object = { unreachableMs: 300 }) {
  const made = await newSpace(server)
  const proxy = await WireProxy.start(server.port)
  t.teardown(() => proxy.stop())
  const { token } = made.owner
  const volume = await openRemoteVolume({ server: proxy.url, token, space: made.space, patience })
  t.teardown(() => volume.close())
  return { ...made, volume, proxy }
}

/** Somebody else on the server's port. */
async function stranger(t: ExecutionContext, listener: RequestListener): Promise<string> {
  const other = createServer(listener)
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    other.closeAllConnections()
    other.close()
  })
  return `http://127.0.0.1:${(other.address() as AddressInfo).port}`
}

/** Passes a GET on with its token, and no other headers. */
function onward(req: IncomingMessage, res: ServerResponse): void {
  const { authorization = '' } = req.headers
  fetch(server.url + req.url, { headers: { authorization } }).then(
    async (answer) => {
      res.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text())
    },
    () => res.destroy(),
  )
}

test('an answer that is lost: the change is asked for again, and happens once', async (t) => {
  const mounted = await behindProxy(t)
  const { volume, proxy } = mounted
  const losing = async <T>(doing: () => Promise<T>): Promise<T> => {
    const lost = proxy.loseNextAnswer()
    const [result] = await Promise.all([doing(), lost])
    return result
  }
  const { item: folder } = await losing(() => volume.mkdir(at('d'), key()))
  const options = () => ({ ...key(), ifNoneMatch: true })
  const { item, seq } = await losing(() => volume.write(at('f', folder.id), bodyOf('one'), options()))
  t.is(seq, 2)
  t.deepEqual((await volume.stat(at('d/f'))).item, item)
  const large = bodyOf(Buffer.alloc(500_000))
  await losing(() => volume.write(at('d/f'), large, { ...key(), ifMatch: item.etag }))
  await losing(() => volume.setAttributes(at('d/f'), { executable: true }, key()))
  await losing(() => volume.move(at('d/f'), at('g'), options()))
  const { item: g } = await losing(() => volume.stat(at('g')))
  t.true(g.executable)
  t.is((await losing(() => volume.list(at('')))).items.length, 2)
  await losing(() => volume.checkRemove(at('g')))
  await losing(() => volume.remove(at('g'), { ...key(), ifMatch: g.etag }))
  t.deepEqual(
    (await journalOf(mounted)).map(({ change }) => change),
    ['create', 'create', 'update', 'update', 'move', 'delete'],
  )
})

test('no server there: UNAVAILABLE for everything, and all is well when it is back', async (t) => {
  const { volume, proxy } = await behindProxy(t)
  const { item } = await put(volume, 'f', 'bytes')
  const { port } = proxy
  await proxy.stop()
  const cursor = { seq: 0, epoch: 'e' }
  const everything: readonly (() => Promise<unknown>)[] = [
    () => volume.info(),
    () => volume.stat(at('f')),
    () => volume.list(at('')),
    () => bytesOf(volume, 'f', { etag: item.etag, start: 0, end: 1 }),
    () => put(volume, 'g'),
    () => put(volume, 'g', Buffer.alloc(1_000_000)),
    () => volume.mkdir(at('d'), key()),
    () => volume.move(at('f'), at('g'), key()),
    () => volume.remove(at('f'), key()),
    () => volume.checkRemove(at('f')),
    () => volume.setAttributes(at('f'), { modified: 1 }, key()),
    () => volume.follow(cursor, new AbortController().signal)[Symbol.asyncIterator]().next(),
  ]
  await Promise.all(everything.map((doing) => fails(t, 'UNAVAILABLE', doing())))
  await proxy.listen(port)
  t.is(await textOf(volume, 'f'), 'bytes')
})

test('a server that comes back soon is waited for', async (t) => {
  const { volume, proxy, owner, space } = await behindProxy(t, { unreachableMs: 20_000 })
  const { url, port } = proxy
  const hasty = await openRemoteVolume({ server: url, token: owner.token, space, patience: HASTY })
  t.teardown(() => hasty.close())
  await proxy.stop()
  const writing = put(volume, 'f', 'bytes')
  await fails(t, 'UNAVAILABLE', hasty.info())
  await proxy.listen(port)
  await writing
  t.is(await textOf(volume, 'f'), 'bytes')
})

test('a server that hangs is UNAVAILABLE, too', async (t) => {
  const { volume, proxy } = await behindProxy(t, HASTY)
  const { item } = await put(volume, 'f', Buffer.alloc(30_000_000))
  const begun = gate()
  const reading = bytesOf(volume, 'f', { etag: item.etag, start: 0, end: 29_999_999 }, begun.open)
  await Promise.race([begun.passed, reading])
  proxy.stall()
  await Promise.all([
    fails(t, 'UNAVAILABLE', reading),
    fails(t, 'UNAVAILABLE', volume.stat(at('f'))),
    fails(t, 'UNAVAILABLE', put(volume, 'g', Buffer.alloc(20_000_000))),
  ])
})

test('a read that breaks off says so, and not that the file ends there', async (t) => {
  const { volume, proxy } = await behindProxy(t)
  const { item } = await put(volume, 'f', Buffer.alloc(10_000_000))
  proxy.cutAfter(3_000_000)
  const range = { etag: item.etag, start: 0, end: 9_999_999 }
  await fails(t, 'UNAVAILABLE', bytesOf(volume, 'f', range))
  t.is((await bytesOf(volume, 'f', range)).length, 10_000_000)
})

test('followers hear of it: a lost connection, a silent server', async (t) => {
  for (const trouble of ['stop', 'stall'] as const) {
    const { volume, proxy } = await behindProxy(t, HASTY)
    const { cursor } = await volume.info()
    const feed = volume.follow(cursor, new AbortController().signal)[Symbol.asyncIterator]()
    t.deepEqual((await feed.next()).value, { rows: [], seq: 0 })
    await Promise.all([fails(t, 'UNAVAILABLE', toEnd(feed)), proxy[trouble]()])
    if (trouble === 'stop') await proxy.listen(0)
  }
})

test('who loses access hears of it, at the next question and as a follower', async (t) => {
  const { volume, owner } = await behindProxy(t)
  const { cursor } = await volume.info()
  const feed = volume.follow(cursor, new AbortController().signal)[Symbol.asyncIterator]()
  await feed.next()
  const following = toEnd(feed)
  await server.directory.revokeToken(owner.account.id, 'test')
  await fails(t, 'UNAVAILABLE', following)
  await fails(t, 'UNAUTHENTICATED', volume.stat(at('')))
  await fails(t, 'UNAUTHENTICATED', put(volume, 'f', Buffer.alloc(100_000)))
})

test('a space that others share is there under its owner’s name, to read or to write', async (t) => {
  const { owner, space, volume: own } = await behindProxy(t)
  await put(own, 'f', 'bytes')
  const reader = await server.user(`${owner.account.name}-reads`)
  const open = (name: string) => openRemoteVolume({ server: server.url, token: reader.token, space: name })
  const name = `@${owner.account.name}~${space}`
  await fails(t, 'NOT_FOUND', open(name))
  await fails(t, 'NOT_FOUND', open('notes'))
  await fails(t, 'BAD_REQUEST', open('@no'))
  const team = await teamOf(owner, 'team', reader)
  await must(owner, 'PUT', `/v1/code/spaces/${space}/shared/${team}`)
  const volume = await open(name)
  t.teardown(() => volume.close())
  t.like(await volume.info(), { name, writable: false, id: (await own.info()).id })
  t.is(await textOf(volume, 'f'), 'bytes')
  for (const doing of changesOf(volume)) await fails(t, 'READ_ONLY', doing)
  t.deepEqual(await namesIn(own), ['f'])
})

test('what passes is tried again: a proxy without a server, a store that is busy', async (t) => {
  const { owner, space } = await behindProxy(t)
  let asked = 0
  const answers: RequestListener = (req, res) => {
    asked++
    const status = [502, 503, 504][asked % 4]
    if (status) {
      res.writeHead(status, { 'content-type': 'text/html' }).end('<h1>later</h1>')
      return
    }
    onward(req, res)
  }
  const url = await stranger(t, answers)
  const patience = { retryMs: 20_000 }
  const volume = await openRemoteVolume({ server: url, token: owner.token, space, patience })
  t.teardown(() => volume.close())
  t.is((await volume.stat(at(''))).item.id, 0)
  t.true(asked >= 4)
})

test('what passes too late, or is no answer of ours, is UNAVAILABLE; a refusal in front of the server is one', async (t) => {
  const open = async (status: number, headers: Record<string, string>, body: string) => {
    const url = await stranger(t, (_req, res) => res.writeHead(status, headers).end(body))
    return openRemoteVolume({ server: url, token: 'nbt-x', space: 'notes', patience: HASTY })
  }
  await fails(t, 'BUSY', open(503, { 'x-nvm-error': 'BUSY' }, '{"message":"Try again."}'))
  await fails(t, 'UNAVAILABLE', open(502, {}, 'Bad Gateway'))
  await fails(t, 'UNAVAILABLE', open(200, { 'content-type': 'text/html' }, '<h1>Welcome to the hotel</h1>'))
  await fails(t, 'BAD_REQUEST', open(302, { location: '/login' }, ''))
  await fails(t, 'NOT_ALLOWED', open(403, {}, 'Forbidden'))
  const named = await fails(
    t,
    'READ_ONLY',
    open(403, { 'x-nvm-error': 'READ_ONLY' }, '{"message":"No.","limit":3}'),
  )
  t.deepEqual([named.message, named.details], ['No.', { limit: 3 }])
})

test('bytes that are not those that were asked for are not taken for them', async (t) => {
  const { owner, space, volume: own } = await behindProxy(t)
  const { item } = await put(own, 'f', 'bytes')
  // Something in front that knows no ranges.
  const url = await stranger(t, onward)
  const volume = await openRemoteVolume({ server: url, token: owner.token, space, patience: HASTY })
  t.teardown(() => volume.close())
  await fails(t, 'UNAVAILABLE', bytesOf(volume, 'f', { etag: item.etag, start: 1, end: 2 }))
})

test('the server may be below a path, behind something else', async (t) => {
  const { owner, space } = await behindProxy(t)
  const seen: string[] = []
  const url = await stranger(t, (req, res) => {
    seen.push(req.url ?? '')
    const body = '{"message":"No."}'
    res.writeHead(404, { 'x-nvm-error': 'NOT_FOUND', 'content-length': body.length }).end(body)
  })
  await fails(t, 'NOT_FOUND', openRemoteVolume({ server: `${url}/files/`, token: owner.token, space }))
  t.deepEqual(seen, ['/files/v1/code/spaces/notes/usage'])
})

test('closed: what is under way fails, and nothing keeps the process', async (t) => {
  const { volume, proxy } = await behindProxy(t)
  await put(volume, 'f')
  proxy.stall()
  const asking = volume.stat(at('f'))
  await volume.close()
  await fails(t, 'UNAVAILABLE', asking)
  await fails(t, 'UNAVAILABLE', volume.stat(at('f')))
})

async function toEnd(feed: AsyncIterator<unknown>): Promise<void> {
  while (!(await feed.next()).done);
}

function changesOf(volume: Volume): Promise<unknown>[] {
  return [
    put(volume, 'g'),
    put(volume, 'g', Buffer.alloc(200_000)),
    volume.mkdir(at('d'), key()),
    volume.move(at('f'), at('g'), key()),
    volume.remove(at('f'), key()),
    volume.checkRemove(at('f')),
    volume.setAttributes(at('f'), { modified: 1 }, key()),
  ]
}
