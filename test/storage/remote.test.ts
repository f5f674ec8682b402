import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import test from 'ava'
import { parseRange } from '../../src/http/remote/addresses.js'
import { RemoteFetcher } from '../../src/http/remote/fetcher.js'
import { runCli, startServerProcess } from '../support/cli.js'
import { tempFolder } from '../support/folder.js'
import { contentOf, json, jsonBody } from '../support/http.js'
import { type TestServer, testServer } from '../support/server.js'
import { leavesNothing, listen, refusedWith, type Storage, storageOf } from './support.js'

/** Uploads by URL: what the other server may do to us, and what becomes of it. */

let server: TestServer
let remote: Awaited<ReturnType<typeof listen>>
test.before(async () => {
  const fetcher = new RemoteFetcher({
    allow: [parseRange('127.0.0.1')],
    resolve: async () => [{ address: '127.0.0.1', family: 4 }],
    connectMs: 4000,
    idleMs: 2000,
    totalMs: 6000,
  })
  server = await testServer({
    plans: { premium: { fileBytes: 200_000, spaces: 100 } },
    wrap: (deps) => ({ ...deps, fetcher }),
  })
  remote = await listen((req, res) => {
    const { url = '' } = req
    const hops = /^\/hops\/(\d)$/.exec(url)?.[1]
    if (hops === undefined) (PAGES[url] ?? PAGES['/404'])?.(req, res)
    else redirect(res, Number(hops))
  })
})
test.after.always(async () => {
  remote.close()
  await server.stop()
})

/** So many times, in every way there is, and then to the file. */
function redirect(res: ServerResponse, hops: number): void {
  const to = hops === 1 ? '/file' : `/hops/${hops - 1}`
  const location = hops % 2 === 0 ? to : `//host${hops}.example:${remote.port}${to}`
  res.writeHead([308, 301, 302, 303, 307][hops % 5] ?? 308, { location }).end('not this')
}

type Page = (req: IncomingMessage, res: ServerResponse) => unknown

const LARGE = 'x'.repeat(200_001)

/** Writes a piece again and again until the other side has enough. */
const drip = (res: ServerResponse, piece: string, everyMs: number) => {
  const timer = setInterval(() => res.write(piece), everyMs)
  res.on('close', () => clearInterval(timer))
}

const PAGES: Readonly<Record<string, Page>> = {
  '/file': (_req, res) => res.setHeader('Content-Type', 'text/csv; charset=utf-8').end('a,b\n'),
  '/chunked': (_req, res) => {
    res.write('in ')
    res.end('pieces')
  },
  '/untyped': (_req, res) => res.end('bytes'),
  '/mistyped': (_req, res) => res.setHeader('Content-Type', 'nonsense').end('bytes'),
  '/moved': (_req, res) => res.writeHead(301, { location: 'file' }).end('not this'),
  '/loop': (_req, res) => res.writeHead(302, { location: '/loop' }).end(),
  '/nowhere': (_req, res) => res.writeHead(302).end(),
  '/404': (_req, res) => res.writeHead(404).end('a page about what is not there'),
  '/403': (_req, res) => res.writeHead(403).end(),
  '/204': (_req, res) => res.writeHead(204).end(),
  '/206': (_req, res) => res.writeHead(206, { 'content-range': 'bytes 0-1/5' }).end('ab'),
  '/500': (_req, res) => res.writeHead(500).end(),
  '/gzip': (_req, res) => res.writeHead(200, { 'content-encoding': 'gzip' }).end('x'),
  '/large': (_req, res) => res.end(LARGE),
  '/large-chunked': (_req, res) => {
    res.write(LARGE.slice(1))
    res.end('x')
  },
  '/endless': (_req, res) => drip(res, 'x'.repeat(50_000), 1),
  '/claims-less': (_req, res) => {
    res.writeHead(200, { 'content-length': '5' })
    res.socket?.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nbytes and more that was not announced')
    res.socket?.end()
  },
  '/claims-more': (_req, res) => {
    res.writeHead(200, { 'content-length': '100' })
    res.write('fewer', () => res.destroy())
  },
  '/breaks-chunked': (_req, res) => {
    res.write('some', () => res.destroy())
  },
  '/no-http': (_req, res) => res.socket?.end('SSH-2.0-OpenSSH_9.2\r\n'),
  '/hangs-up': (_req, res) => res.destroy(),
  '/silent': () => {},
  '/stalls': (_req, res) => res.write('some'),
  '/drips': (_req, res) => drip(res, 'x', 50),
  '/long-header': (_req, res) => res.setHeader('x', 'y'.repeat(40_000)).end(),
}

let count = 0
const newStorage = () => storageOf(server, server, `r${count++}`)
const upload = (storage: Storage, path: string, page: string) =>
  storage.describe(path, { file: remote.url + page })

test('the bytes, and the type the other server says, else that of the path', async (t) => {
  const storage = await newStorage()
  const typeOf = async (path: string) =>
    (await json(await contentOf(server, storage.name).get(path, { headers: { accept: 'application/json' } })))
      .content_type
  for (const [page, text, type] of [
    ['/file', 'a,b\n', 'text/csv; charset=utf-8'],
    ['/chunked', 'in pieces', 'image/png'],
    ['/untyped', 'bytes', 'image/png'],
    ['/mistyped', 'bytes', 'image/png'],
    ['/moved', 'a,b\n', 'text/csv; charset=utf-8'],
  ] as const) {
    t.is((await upload(storage, 'x.png', page)).status, 200, page)
    t.is(await storage.text('x.png'), text)
    t.is(await typeOf('x.png'), type, page)
  }
})

test('five redirects are followed, relative and to other hosts; no more', async (t) => {
  const storage = await newStorage()
  for (const hops of [1, 2, 3, 4, 5]) {
    t.is((await upload(storage, `file${hops}`, `/hops/${hops}`)).status, 200)
    t.is(await storage.text(`file${hops}`), 'a,b\n')
  }
  await leavesNothing(t, server, storage, async () => {
    await refusedWith(t, await upload(storage, 'file', '/hops/6'), 400, 'BAD_REQUEST', '/hops/6', '5 times')
    await refusedWith(t, await upload(storage, 'file', '/loop'), 400, 'BAD_REQUEST', '/loop', '5 times')
  })
})

const FAILURES: Readonly<Record<string, readonly [number, string, ...string[]]>> = {
  '/nowhere': [400, 'BAD_REQUEST', '302'],
  '/404': [400, 'BAD_REQUEST', '404'],
  '/403': [400, 'BAD_REQUEST', '403'],
  '/204': [400, 'BAD_REQUEST', '204'],
  '/206': [400, 'BAD_REQUEST', '206'],
  '/gzip': [400, 'BAD_REQUEST', 'gzip'],
  '/500': [502, 'BAD_GATEWAY', '500'],
  '/large': [429, 'LIMITS_REACHED', '200000'],
  '/large-chunked': [429, 'LIMITS_REACHED', '200000'],
  '/endless': [429, 'LIMITS_REACHED', '200000'],
  '/claims-more': [502, 'BAD_GATEWAY', 'broke off', '100 bytes'],
  '/breaks-chunked': [502, 'BAD_GATEWAY', 'broke off'],
  '/no-http': [502, 'BAD_GATEWAY', '/no-http'],
  '/hangs-up': [502, 'BAD_GATEWAY', '/hangs-up'],
  '/silent': [502, 'BAD_GATEWAY', '4 s'],
  '/stalls': [502, 'BAD_GATEWAY', '2 s'],
  '/drips': [502, 'BAD_GATEWAY', '6 s'],
  '/long-header': [502, 'BAD_GATEWAY', '/long-header'],
}
for (const [page, [status, code, ...texts]] of Object.entries(FAILURES)) {
  test(`${page.slice(1)}: ${status}, and nothing stays`, async (t) => {
    const storage = await newStorage()
    await leavesNothing(t, server, storage, async () => {
      await refusedWith(t, await upload(storage, 'made/on/the/way', page), status, code, ...texts)
    })
    t.deepEqual(server.errors, [], 'URLs may hold secrets, and are not logged')
  })
}

test('what comes behind the announced length is not part of the file', async (t) => {
  const storage = await newStorage()
  t.is((await upload(storage, 'file', '/claims-less')).status, 200)
  t.is(await storage.text('file'), 'bytes')
})

test('a server that is not there, and one whose certificate nobody vouches for', async (t) => {
  const storage = await newStorage()
  // Below those that are given out: a port that was closed again might be somebody else's by now.
  const gone = 2
  await leavesNothing(t, server, storage, async () => {
    const there = await storage.describe('file', { file: `http://gone.example:${gone}/` })
    await refusedWith(t, there, 502, 'BAD_GATEWAY', 'ECONNREFUSED')
    const plain = await storage.describe('file', { file: `https://plain.example:${remote.port}/` })
    await refusedWith(t, plain, 502, 'BAD_GATEWAY', 'plain.example')
  })
})

test('when the client goes away, nothing is fetched any more', async (t) => {
  const storage = await newStorage()
  let arrived: (res: ServerResponse) => void = () => {}
  const asked = new Promise<ServerResponse>((resolve) => {
    arrived = resolve
  })
  const slow = await listen((_req, res) => {
    res.write('some')
    arrived(res)
  })
  t.teardown(slow.close)
  const leaving = new AbortController()
  await leavesNothing(t, server, storage, async () => {
    const upload = storage.ask('POST', 'upload/file', {
      ...jsonBody({ file: slow.url }),
      signal: leaving.signal,
    })
    const res = await asked
    const closed = once(res, 'close')
    leaving.abort()
    await t.throwsAsync(upload, { any: true })
    await closed
  })
})

test('FETCH_ALLOW: private addresses only where the operator says so', async (t) => {
  const files = await listen((_req, res) => res.end('inside'))
  t.teardown(files.close)
  for (const [allow, status] of [
    ['', 400],
    ['10.0.0.0/8', 400],
    ['10.0.0.0/8,127.0.0.1', 200],
  ] as const) {
    const own = await startServerProcess(tempFolder(t), { FETCH_ALLOW: allow })
    t.teardown(() => own.end('SIGTERM'))
    const headers = { authorization: `Bearer ${own.token}`, 'content-type': 'application/json' }
    const listed = await json(await fetch(`${own.url}/api/v1/space/list`, { headers }))
    const body = JSON.stringify({ file: files.url })
    const url = `${own.url}/api/v1/space/${listed.items[0].id}/storage/upload/file`
    t.is((await fetch(url, { method: 'POST', headers, body })).status, status, allow)
  }
  t.regex((await runCli(['serve', '--help'])).stdout, /--fetch-allow/)
})
