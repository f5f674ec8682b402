import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { headOf } from '../../mount/remote/plain-answer.js'
import type { Accept } from '../../mount/remote/plain-connection.js'
import { PlainConnections, type PlainRequest } from '../../mount/remote/plain-connections.js'
import { tempFolder } from '../support/folder.js'
import { runProgram } from '../support/programs.js'

/** Plain answers come over connections of their own. Whatever is not plain, or not wanted so, is left to the library. */

const PATIENCE = { connectMs: 5000, answerMs: 5000 }
const PLAIN = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Name: value\r\n'
const REQUEST: PlainRequest = { method: 'GET', path: '/f?a=b', headers: ['if-match', '"1"'] }

type Answer = (socket: Socket) => void

/** Each request gets the next of these answers. */
async function answering(t: ExecutionContext, answers: readonly Answer[], patience = PATIENCE) {
  const requests: string[] = []
  const left = [...answers]
  let opened = 0
  const server = createServer((socket) => {
    opened += 1
    socket.on('error', () => {})
    socket.on('data', (bytes) => {
      requests.push(String(bytes))
      left.shift()?.(socket)
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const connections = new PlainConnections(new URL(`http://127.0.0.1:${port}`), 64, patience)
  t.teardown(() => {
    connections.close()
    server.close()
  })
  const read = async (change: Partial<PlainRequest> = {}) => {
    let text = ''
    const accept: Accept = ({ status }) => {
      if (status === 412) return undefined
      return (piece) => {
        text += piece
        return !text.includes('!')
      }
    }
    return [await connections.send({ ...REQUEST, ...change }, accept), text]
  }
  return { read, requests, count: () => opened, close: () => connections.close() }
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
    says('HTTP/1.1 2', '06 OK\r\ncontent-length:5\r', '\n\r\nby', 'tes'),
    says('HTTP/1.1 204 No Content\r\n\r\n'),
    says(`${PLAIN}\r\n`, 'bytes'),
  ])
  for (const text of ['bytes', 'bytes', '', 'bytes']) t.deepEqual(await read(), [true, text])
  t.is(count(), 1)
  t.regex(requests[0] ?? '', /^GET \/f\?a=b HTTP\/1\.1\r\nhost: 127\.0\.0\.1:\d+\r\nif-match: "1"\r\n\r\n$/)
})

test('a body goes along, and its length is said once', async (t) => {
  const { read, requests } = await answering(t, Array(4).fill(says(`${PLAIN}\r\nbytes`)))
  const body = Buffer.from('text')
  await read({ method: 'POST', headers: [], body })
  await read({ method: 'POST', headers: ['content-length', '4'], body })
  await read({ method: 'PUT', headers: [] })
  await read({ method: 'DELETE', headers: [] })
  t.deepEqual(
    requests.map((request) => request.replace(/^.*\r\nhost: .*\r\n/, '')),
    ['content-length: 4\r\n\r\ntext', 'content-length: 4\r\n\r\ntext', 'content-length: 0\r\n\r\n', '\r\n'],
  )
})

test('at the same time over as many as are needed', async (t) => {
  const slow = says(PLAIN, '\r\nbytes')
  const { read, count } = await answering(t, [slow, slow, says(`${PLAIN}\r\nbytes`)])
  t.deepEqual(await Promise.all([read(), read()]), Array(2).fill([true, 'bytes']))
  await read()
  t.is(count(), 2)
})

for (const [what, answer] of [
  ['in chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbytes\r\n0\r\n\r\n'],
  ['in chunks and of a length', `${PLAIN}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
  ['compressed', `${PLAIN}Content-Encoding: gzip\r\n\r\nbytes`],
  ['announced', `HTTP/1.1 100 Continue\r\n\r\n${PLAIN}\r\nbytes`],
  ['said twice', `${PLAIN}Content-Length: 5\r\n\r\nbytes`],
  ['of no known length', 'HTTP/1.1 200 OK\r\nX-Name: value\r\n\r\nbytes'],
  ['of an older HTTP', 'HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nbytes'],
  ['no HTTP', 'x'.repeat(20_000)],
] as const) {
  test(`an answer that is ${what} is left to the library, and so are those after it`, async (t) => {
    const { read, requests } = await answering(t, [says(answer)])
    t.deepEqual(await read(), [false, ''])
    t.deepEqual(await read(), [false, ''])
    t.is(requests.length, 1)
  })
}

test('an answer that is not wanted so is left to the library, but not those after it', async (t) => {
  const refusal = 'HTTP/1.1 412 Precondition Failed\r\nContent-Length: 0\r\n\r\n'
  const { read } = await answering(t, [says(refusal), says(`${PLAIN}\r\nbytes`)])
  t.deepEqual(await read(), [false, ''])
  t.deepEqual(await read(), [true, 'bytes'])
})

test('a body of another length than is said is left to the library', async (t) => {
  const { read, requests } = await answering(t, [])
  t.deepEqual(await read({ headers: ['content-length', '5'], body: Buffer.from('text') }), [false, ''])
  t.deepEqual(requests, [])
})

test('a header that would be two is left to the library', async (t) => {
  const { read, requests } = await answering(t, [])
  t.deepEqual(await read({ headers: ['authorization', 'Bearer a\r\nx: y'] }), [false, ''])
  t.deepEqual(await read({ path: '/f g' }), [false, ''])
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

test('a server that falls silent is not waited for, nor asked again', async (t) => {
  const answers = [says(`${PLAIN}\r\nby`), says(`${PLAIN}\r\nbytes`), says()]
  const { read, requests } = await answering(t, answers, { ...PATIENCE, answerMs: 200 })
  await t.throwsAsync(read(), { message: 'nothing came for too long' })
  t.deepEqual(await read(), [true, 'bytes'])
  await t.throwsAsync(read(), { message: 'nothing came for too long' })
  t.is(requests.length, 3)
})

test('who closes ends what is under way, and nothing comes after it', async (t) => {
  const { read, close, requests } = await answering(t, [says(`${PLAIN}\r\nbytes`)])
  await read()
  const reading = read()
  close()
  await t.throwsAsync(reading, { message: 'the mount is being closed' })
  await t.throwsAsync(read(), { message: 'the mount is being closed' })
  t.true(requests.length <= 2)
})

test('a server that ends every connection is asked twice', async (t) => {
  const ends: Answer = (socket) => socket.destroy()
  const { read, requests } = await answering(t, [says(`${PLAIN}\r\nbytes`), ends, ends])
  await read()
  await t.throwsAsync(read())
  t.is(requests.length, 3)
})

test('who gives up, at any time, ends its connection and no other', async (t) => {
  const half = says(`${PLAIN}\r\nby`)
  const givesUp = new AbortController()
  const { read, count } = await answering(t, [
    (socket) => {
      half(socket)
      givesUp.abort()
    },
    says(`${PLAIN}\r\nby!`),
    says(`${PLAIN}\r\nbytes`),
  ])
  await t.throwsAsync(read({ signal: AbortSignal.abort() }), { message: 'it was given up' })
  await t.throwsAsync(read({ signal: givesUp.signal }), { message: 'it was given up' })
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
    response.writeHead(200, { 'content-length': 5 }).end('bytes')
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => server.close())
  const origin = `https://localhost:${(server.address() as AddressInfo).port}`
  const module = new URL('../../mount/remote/plain-connections.js', import.meta.url).href
  const program = `const { PlainConnections } = await import('${module}')
    const connections = new PlainConnections(new URL('${origin}'), 64, { connectMs: 5000, answerMs: 5000 })
    let text = ''
    const accept = () => (piece) => Boolean((text += piece))
    const request = { method: 'GET', path: '/f', headers: [] }
    const read = () => connections.send(request, accept).catch((error) => error.message)
    console.log(await read(), await read(), text)
    connections.close()`
  const said = async (env: Readonly<Record<string, string>>) =>
    (await runProgram(process.execPath, ['--input-type=module', '-e', program], { env })).said.trim()
  t.is(await said({ NODE_EXTRA_CA_CERTS: cert }), 'true true bytesbytes')
  t.is(await said({}), 'self-signed certificate self-signed certificate')
})

test('the beginning of an answer says how much comes, and whether more may be asked', (t) => {
  const head = (...lines: string[]) => headOf(['HTTP/1.1 206 x', 'Content-Length:5', ...lines].join('\r\n'))
  const { status, headers, length, isKept } = head('constructor: x') ?? {}
  t.deepEqual(
    [status, headers?.['content-length'], headers?.constructor, length, isKept],
    [206, '5', 'x', 5, true],
  )
  t.false(head('Connection: Close')?.isKept)
  t.is(head('no field'), undefined)
  t.is(headOf('HTTP/1.1 200 OK\r\nContent-Length: -5'), undefined)
})
