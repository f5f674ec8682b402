import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { rangeHeadOf } from '../../mount/remote/range-answer.js'
import { RangeConnections } from '../../mount/remote/range-connections.js'
import { tempFolder } from '../support/folder.js'
import { runProgram } from '../support/programs.js'

/** Ranges come over connections of their own. Whatever is not plainly the range that was asked for is left to the library. */

const PATIENCE = { connectMs: 5000, answerMs: 5000 }
const PLAIN = 'HTTP/1.1 206 Partial Content\r\nContent-Length: 5\r\nContent-Range: bytes 3-7/9\r\n'

type Answer = (socket: Socket) => void

/** Each request gets the next of these answers. */
async function answering(t: ExecutionContext, answers: readonly Answer[], patience = PATIENCE) {
  const requests: string[] = []
  const left = [...answers]
  let connections = 0
  const server = createServer((socket) => {
    connections += 1
    socket.on('error', () => {})
    socket.on('data', (bytes) => {
      requests.push(String(bytes))
      left.shift()?.(socket)
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const ranges = new RangeConnections(new URL(`http://127.0.0.1:${port}`), patience)
  t.teardown(() => {
    ranges.close()
    server.close()
  })
  const read = async (signal?: AbortSignal) => {
    let text = ''
    const take = (piece: Buffer) => {
      text += piece
      return !text.includes('!')
    }
    const isRead = await ranges.read({ path: '/f', headers: ['if-match', '"1"'], start: 3, signal }, take)
    return [isRead, text]
  }
  return { ranges, read, requests, count: () => connections }
}

const says =
  (...pieces: readonly string[]): Answer =>
  async (socket) => {
    for (const piece of pieces) {
      socket.write(piece)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

test('one request after the other over one connection, however the answer is cut up', async (t) => {
  const { read, requests, count } = await answering(t, [
    says(`${PLAIN}\r\nbytes`),
    says('HTTP/1.1 2', '06 OK\r\ncontent-length:5\r\ncontent-range: bytes 3-7/9\r', '\n\r\nby', 'tes'),
    says(`${PLAIN}\r\n`, 'bytes'),
  ])
  for (let i = 0; i < 3; i++) t.deepEqual(await read(), [true, 'bytes'])
  t.is(count(), 1)
  t.regex(requests[0] ?? '', /^GET \/f HTTP\/1\.1\r\nhost: 127\.0\.0\.1:\d+\r\nif-match: "1"\r\n\r\n$/)
})

test('at the same time over as many as are needed', async (t) => {
  const slow = says(PLAIN, '\r\nbytes')
  const { read, count } = await answering(t, [slow, slow, says(`${PLAIN}\r\nbytes`)])
  t.deepEqual(await Promise.all([read(), read()]), Array(2).fill([true, 'bytes']))
  await read()
  t.is(count(), 2)
})

for (const [what, answer] of [
  ['a refusal', 'HTTP/1.1 412 Precondition Failed\r\nContent-Length: 0\r\n\r\n'],
  ['the whole file', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n012345678'],
  ['another range', 'HTTP/1.1 206 OK\r\nContent-Length: 5\r\nContent-Range: bytes 30-34/99\r\n\r\nbytes'],
  [
    'in chunks',
    'HTTP/1.1 206 OK\r\nTransfer-Encoding: chunked\r\nContent-Range: bytes 3-7/9\r\n\r\n5\r\nbytes\r\n0\r\n\r\n',
  ],
  ['compressed', `${PLAIN}Content-Encoding: gzip\r\n\r\nbytes`],
  ['something before it', `HTTP/1.1 100 Continue\r\n\r\n${PLAIN}\r\nbytes`],
  ['said twice', `${PLAIN}Content-Length: 5\r\n\r\nbytes`],
  ['of no known length', 'HTTP/1.1 206 OK\r\nContent-Range: bytes 3-7/9\r\n\r\nbytes'],
  ['not HTTP', 'x'.repeat(20_000)],
] as const) {
  test(`an answer that is ${what} is left to the library`, async (t) => {
    const { read } = await answering(t, [says(answer), says(`${PLAIN}\r\nbytes`)])
    t.deepEqual(await read(), [false, ''])
    t.deepEqual(await read(), [true, 'bytes'], 'and the next one is read again')
  })
}

test('a header that would be two is left to the library', async (t) => {
  const { ranges, requests } = await answering(t, [])
  const request = { path: '/f', headers: ['authorization', 'Bearer a\r\nx: y'], start: 3 }
  t.false(await ranges.read(request, () => true))
  t.false(await ranges.read({ ...request, path: '/f g', headers: [] }, () => true))
  t.deepEqual(requests, [])
})

test('a connection that the server has let go of is replaced', async (t) => {
  const { read, count } = await answering(t, [
    says(`${PLAIN}\r\nbytes`),
    (socket) => socket.destroy(),
    says(`${PLAIN}\r\nbytes`),
    says(`${PLAIN}Connection: close\r\n\r\nbytes`),
    says(`${PLAIN}\r\nbytes`),
  ])
  for (let i = 0; i < 4; i++) t.deepEqual(await read(), [true, 'bytes'])
  t.is(count(), 3)
})

test('an answer that breaks off, or goes on too long, is none', async (t) => {
  const { read } = await answering(t, [
    (socket) => socket.end(`${PLAIN}\r\nby`),
    says(`${PLAIN}\r\nbytes and more`),
    (socket) => socket.destroy(),
  ])
  await t.throwsAsync(read(), { message: 'the connection was closed' })
  await t.throwsAsync(read(), { message: 'the answer is longer than it said' })
  await t.throwsAsync(read())
})

test('a server that falls silent is not waited for', async (t) => {
  const { read } = await answering(t, [says(`${PLAIN}\r\nby`)], { ...PATIENCE, answerMs: 200 })
  await t.throwsAsync(read(), { message: 'nothing came for too long' })
})

test('who gives up, at any time, ends its connection and no other', async (t) => {
  const { read, count } = await answering(t, [
    says(`${PLAIN}\r\nby`),
    says(`${PLAIN}\r\nby!`),
    says(`${PLAIN}\r\nbytes`),
  ])
  await t.throwsAsync(read(AbortSignal.abort()), { message: 'it was given up' })
  await t.throwsAsync(read(AbortSignal.timeout(100)), { message: 'it was given up' })
  t.deepEqual(await read(), [true, 'by!'], 'no more was wanted')
  t.deepEqual(await read(), [true, 'bytes'])
  t.is(count(), 3)
})

test('over TLS as well, and only with who proves to be the server', async (t) => {
  const dir = tempFolder(t)
  const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')]
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
  const how = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', cert]
  execFileSync('openssl', [...how, ...names], { stdio: 'ignore' })
  const server = createTlsServer({ key: readFileSync(key), cert: readFileSync(cert) }, (_, response) => {
    response.writeHead(206, { 'content-length': 5, 'content-range': 'bytes 3-7/9' }).end('bytes')
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => server.close())
  const origin = `https://localhost:${(server.address() as AddressInfo).port}`
  const module = new URL('../../mount/remote/range-connections.js', import.meta.url).href
  const program = `const { RangeConnections } = await import('${module}')
    const ranges = new RangeConnections(new URL('${origin}'), { connectMs: 5000, answerMs: 5000 })
    let text = ''
    const take = (piece) => Boolean((text += piece))
    const read = () => ranges.read({ path: '/f', headers: [], start: 3 }, take).catch((error) => error.message)
    console.log(await read(), await read(), text)
    ranges.close()`
  const said = async (env: Readonly<Record<string, string>>) =>
    (await runProgram(process.execPath, ['--input-type=module', '-e', program], { env })).said.trim()
  t.is(await said({ NODE_EXTRA_CA_CERTS: cert }), 'true true bytesbytes')
  t.is(await said({}), 'self-signed certificate self-signed certificate')
})

test('the beginning of an answer says how much comes, and whether more may be asked', (t) => {
  const head = (...lines: string[]) =>
    rangeHeadOf(
      ['HTTP/1.1 206 x', 'Content-Length: 5', 'content-range:bytes 3-7/9', ...lines].join('\r\n'),
      3,
    )
  t.deepEqual(head(), { length: 5, isKept: true })
  t.deepEqual(head('Connection: Close'), { length: 5, isKept: false })
  t.is(head('no field'), undefined)
})
