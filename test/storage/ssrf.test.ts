import { createServer } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import { mayFetchFrom, parseRange } from '../../src/http/remote/addresses.js'
import { type FetcherOptions, RemoteFetcher } from '../../src/http/remote/fetcher.js'
import { SpaceError } from '../../src/space/errors.js'
import { listen } from './support.js'

/** Where uploads by URL may lead: to public addresses, and, by configuration only, to some others. */

const NEVER = new AbortController().signal

/** A fetcher that notes what it asks the resolver, which knows these names. */
function fetcherOf(names: Readonly<Record<string, readonly string[]>>, options: FetcherOptions = {}) {
  const asked: string[] = []
  const fetcher = new RemoteFetcher({
    ...options,
    resolve: async (host) => {
      asked.push(host)
      const addresses = names[host]
      if (!addresses) throw new Error('ENOTFOUND')
      return addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
    },
  })
  return { fetcher, asked }
}

async function refuses(t: ExecutionContext, fetcher: RemoteFetcher, url: string, text = 'may fetch from') {
  const error = (await t.throwsAsync(fetcher.open(url, NEVER), { instanceOf: SpaceError }, url)) as SpaceError
  t.is(error.code, 'BAD_REQUEST', `${url}: ${error.message}`)
  t.true(error.message.includes(text), `${url}: ${error.message}`)
}

const INSIDE = [
  // Unspecified, this machine, private, shared, link-local with the metadata of clouds.
  ...['0.0.0.0', '0.1.2.3', '127.0.0.1', '127.255.255.254', '10.0.0.1', '10.255.255.255', '172.16.0.1'],
  ...['172.31.255.255', '192.168.0.1', '100.64.0.1', '100.100.100.200', '169.254.0.1', '169.254.169.254'],
  // Documentation, benchmarks, protocols, 6to4 relays, multicast, reserved, broadcast, Azure's own.
  ...['192.0.2.1', '198.51.100.1', '203.0.113.1', '198.18.0.1', '192.0.0.1', '192.0.0.192', '192.88.99.1'],
  ...['224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255', '168.63.129.16'],
  // The same in IPv6, and everything that leads to IPv4 again: compatible, mapped, translated, NAT64, 6to4, Teredo.
  ...[
    '::',
    '::1',
    'fe80::1',
    'febf::1',
    'fec0::1',
    'fc00::1',
    'fdff::1',
    'fd00:ec2::254',
    'ff02::1',
    'ff0e::1',
  ],
  ...[
    '::127.0.0.1',
    '::7f00:1',
    '::ffff:127.0.0.1',
    '::ffff:10.0.0.1',
    '::ffff:8.8.8.8',
    '::ffff:0:127.0.0.1',
  ],
  ...[
    '64:ff9b::7f00:1',
    '64:ff9b:1::1',
    '2002:7f00:1::',
    '2001::1',
    '2001:db8::1',
    '100::1',
    '3fff::1',
    '5f00::1',
  ],
  ...['2001:2::1', '2001:10::1', '2001:20::1', '4000::1', '8000::1'],
]
const OUTSIDE = [
  '1.1.1.1',
  '8.8.8.8',
  '93.184.215.14',
  '172.15.0.1',
  '172.32.0.1',
  '100.128.0.1',
  '169.253.0.1',
  '2606:4700::1111',
  '2a00:1450::1',
]

test('addresses that are somebody’s own, and those that are everybody’s', (t) => {
  for (const address of INSIDE) t.false(mayFetchFrom(address), address)
  for (const address of OUTSIDE) t.true(mayFetchFrom(address), address)
})

test('an operator may add ranges; nothing is added by itself, and nothing besides', (t) => {
  const allowed = ['10.1.0.0/16', '127.0.0.1', 'fd00:1::/32'].map(parseRange)
  for (const address of ['10.1.0.0', '10.1.255.255', '127.0.0.1', 'fd00:1::1', '8.8.8.8']) {
    t.true(mayFetchFrom(address, allowed), address)
  }
  for (const address of ['10.2.0.0', '127.0.0.2', 'fd00:2::1', '::ffff:10.1.0.1', '169.254.169.254', '::1']) {
    t.false(mayFetchFrom(address, allowed), address)
  }
})

/** As `new URL` reads them; what it does not read is no URL. */
const NOTATIONS = [
  ...[
    '2130706433',
    '0x7f000001',
    '0x7F.0x0.0x0.0x1',
    '017700000001',
    '0177.0.0.1',
    '0177.0.0.01',
    '127.1',
    '127.0.1',
  ],
  ...[
    '127.0.0.1.',
    '0',
    '0x0',
    '00',
    '0.0',
    '%31%32%37.0.0.1',
    '１２７.０.０.１',
    '①②⑦.⓪.⓪.①',
    '127。0。0。1',
  ],
  ...['3232235521', '2852039166', '0xa9fea9fe', '169.254.43518', '0251.0376.0251.0376', '10.1', '0xa000001'],
  ...[
    '[::]',
    '[::1]',
    '[0:0:0:0:0:0:0:1]',
    '[0000::0001]',
    '[::127.0.0.1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
  ],
  ...[
    '[0:0:0:0:0:ffff:a9fe:a9fe]',
    '[fe80::1]',
    '[fd00:ec2::254]',
    '[64:ff9b::127.0.0.1]',
    '[2002:7f00:1::]',
  ],
]

test('no notation of an address inside is fetched, and no resolver asked about it', async (t) => {
  const { fetcher, asked } = fetcherOf({})
  for (const host of [
    ...INSIDE.map((address) => (address.includes(':') ? `[${address}]` : address)),
    ...NOTATIONS,
  ]) {
    for (const url of [`http://${host}/`, `https://${host}:8443/x`, `http:\\\\${host}\\x`])
      await refuses(t, fetcher, url)
  }
  t.deepEqual(asked, [])
})

test('a name is what it resolves to', async (t) => {
  const inside = Object.fromEntries(INSIDE.map((address, at) => [`n${at}.example`, [address]]))
  const names = {
    ...inside,
    localhost: ['127.0.0.1', '::1'],
    'localhost.': ['127.0.0.1'],
    'a.localhost': ['::1'],
  }
  const { fetcher, asked } = fetcherOf(names)
  for (const name of Object.keys(names)) await refuses(t, fetcher, `http://${name}/`)
  await refuses(t, fetcher, 'http://LOCALHOST/')
  await refuses(t, fetcher, 'http://unknown.example/')
  t.is(asked.length, Object.keys(names).length + 2)
  t.is(asked.at(-2), 'localhost')
})

test('the system’s resolver knows localhost too', async (t) => {
  const fetcher = new RemoteFetcher()
  for (const host of ['localhost', 'localhost.', 'LocalHost']) await refuses(t, fetcher, `http://${host}/`)
})

test('URLs that look like others', async (t) => {
  const { fetcher, asked } = fetcherOf({ 'good.example': ['127.0.0.1'], 'example.com': ['127.0.0.1'] })
  for (const [url, text] of [
    ['http://good.example@127.0.0.1/', 'user name'],
    ['http://127.0.0.1@good.example/', 'user name'],
    ['http://good.example:80@127.0.0.1:6379/', 'user name'],
    ['http://:secret@good.example/', 'user name'],
    ['http://127.0.0.1:80#@good.example/', 'may fetch from'],
    ['http://127.0.0.1?@good.example/', 'may fetch from'],
    ['http://127.0.0.1\\@good.example/', 'may fetch from'],
    ['http://good.example\\@127.0.0.1/', 'good.example'],
    ['http://127.0.0.1:6379/', 'may fetch from'],
    ['http://127.0.0.1:22/', 'may fetch from'],
    ['http://[::1]:65535/', 'may fetch from'],
    ['http://127.0.0.1:99999/', 'not a URL'],
    ['http://[::1%25lo]/', 'not a URL'],
    ['http://[::ffff:127.0.0.1/', 'not a URL'],
    ['http://127.0.0.1.1/', 'not a URL'],
    ['http://256.0.0.1/', 'not a URL'],
    ['http:///127.0.0.1/', 'may fetch from'],
    ['//127.0.0.1/', 'not a URL'],
    ['127.0.0.1', 'not a URL'],
    ['http://', 'not a URL'],
    ['file:///etc/passwd', 'http and https'],
    ['ftp://good.example/', 'http and https'],
    ['gopher://127.0.0.1:6379/_FLUSHALL', 'http and https'],
    ['dict://127.0.0.1:6379/', 'http and https'],
    ['unix:/var/run/docker.sock', 'http and https'],
    ['blob:http://good.example/x', 'http and https'],
    ['javascript:alert(1)', 'http and https'],
  ] as const) {
    await refuses(t, fetcher, url, text)
  }
  t.false(asked.includes('example.com'))
})

/** A port of this machine on which nobody may call. */
async function untouched(t: ExecutionContext): Promise<{ port: number; calls: () => number }> {
  let calls = 0
  const server = createServer((socket) => {
    calls++
    socket.destroy()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.2', resolve))
  t.teardown(() => server.close())
  return { port: (server.address() as { port: number }).port, calls: () => calls }
}

test('redirects are judged like the first URL, hop by hop', async (t) => {
  const { port, calls } = await untouched(t)
  let location = ''
  const start = await listen((_req, res) => res.writeHead(302, { location }).end())
  t.teardown(start.close)
  const { fetcher } = fetcherOf(
    { 'start.example': ['127.0.0.1'], 'inner.example': ['127.0.0.2'] },
    { allow: [parseRange('127.0.0.1')] },
  )
  for (const [to, text] of [
    [`http://127.0.0.2:${port}/`, 'may fetch from'],
    [`//127.0.0.2:${port}/`, 'may fetch from'],
    [`http://inner.example:${port}/`, 'may fetch from'],
    [`http://2130706434:${port}/`, 'may fetch from'],
    [`http://[::ffff:127.0.0.2]:${port}/`, 'may fetch from'],
    ['http://169.254.169.254/latest/meta-data/', 'may fetch from'],
    ['file:///etc/passwd', 'http and https'],
    ['http://a:b@inner.example/', 'user name'],
    ['http://[', 'not a URL'],
  ] as const) {
    location = to
    await refuses(t, fetcher, `http://start.example:${start.port}/`, text)
  }
  t.is(calls(), 0, 'nothing went to the address inside')
})

test('a name that means another address a moment later is not asked again', async (t) => {
  const { port, calls } = await untouched(t)
  const good = await listen((_req, res) => res.end('public'))
  t.teardown(good.close)
  let asked = 0
  const fetcher = new RemoteFetcher({
    allow: [parseRange('127.0.0.1')],
    resolve: async () => [{ address: asked++ === 0 ? '127.0.0.1' : '127.0.0.2', family: 4 }],
  })
  const { body } = await fetcher.open(`http://turning.example:${good.port}/`, NEVER)
  t.is(Buffer.concat(await body.toArray()).toString(), 'public')
  t.is(asked, 1)
  await refuses(t, fetcher, `http://turning.example:${port}/`)
  t.is(calls(), 0)
})

test('of several addresses only those outside are called', async (t) => {
  const { port, calls } = await untouched(t)
  const good = await listen((_req, res) => res.end('public'))
  t.teardown(good.close)
  const { fetcher } = fetcherOf(
    { 'both.example': ['127.0.0.2', '127.0.0.1'] },
    { allow: [parseRange('127.0.0.1')] },
  )
  const { body } = await fetcher.open(`http://both.example:${good.port}/`, NEVER)
  t.is(Buffer.concat(await body.toArray()).toString(), 'public')
  await t.throwsAsync(fetcher.open(`http://both.example:${port}/`, NEVER), { message: /ECONNREFUSED/ })
  t.is(calls(), 0)
})

test('what is sent names the host, and says nothing of us or of who asked', async (t) => {
  let seen: { url?: string | undefined; headers?: object } = {}
  const good = await listen((req, res) => {
    seen = { url: req.url, headers: req.headers }
    res.end()
  })
  t.teardown(good.close)
  const { fetcher } = fetcherOf({ 'good.example': ['127.0.0.1'] }, { allow: [parseRange('127.0.0.0/8')] })
  ;(await fetcher.open(`http://good.example:${good.port}/a%20b?c=d#e`, NEVER)).body.resume()
  t.deepEqual(seen, {
    url: '/a%20b?c=d',
    headers: {
      host: `good.example:${good.port}`,
      accept: '*/*',
      'accept-encoding': 'identity',
      'user-agent': 'novem-spaces',
      connection: 'close',
    },
  })
})
