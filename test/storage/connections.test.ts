import test from 'ava'
import { Wire } from '../support/http.js'
import { type TestServer, testServer } from '../support/server.js'
import { leavesNothing, type Storage, storageOf } from './support.js'

/** A refusal in the middle of a body does not spoil the connection: what is still to come is read away, then the next request. */

let server: TestServer
/** The server's connections by the port of their other end, and that it has noticed their end. */
const closed = new Map<number | undefined, Promise<unknown>>()
test.before(async () => {
  server = await testServer({ plans: { premium: { fileBytes: 50_000, spaces: 100 } } })
  server.app.server.on('connection', (socket) => {
    closed.set(socket.remotePort, new Promise((resolve) => socket.once('close', resolve)))
  })
})
test.after.always(() => server.stop())

const JSON_TYPE = 'application/json'
const FORM_TYPE = 'multipart/form-data; boundary=b'
const X = 'x'.repeat(150_000)
const PART = '--b\r\nContent-Disposition: form-data; name="file"\r\n'

/** What is wrong comes in the first half; together they have some 200 KB, which are still read away. */
const BODIES: Readonly<
  Record<string, { readonly type: string; readonly first: string; readonly status: number }>
> = {
  'a data URL that is not base64': { type: JSON_TYPE, first: `{"file":"data:;base64,*${X}`, status: 400 },
  'a data URL of a type that is none': { type: JSON_TYPE, first: `{"file":"data:nonsense,${X}`, status: 400 },
  'a data URL without a comma': { type: JSON_TYPE, first: `{"file":"data:${X}`, status: 400 },
  'a data URL over the limit': { type: JSON_TYPE, first: `{"file":"data:,${X}`, status: 429 },
  'a large body with something else first': { type: JSON_TYPE, first: `{"x":"${X}`, status: 400 },
  'a form over the limit': { type: FORM_TYPE, first: `${PART}\r\n${X}`, status: 429 },
  'a form with an encoding': {
    type: FORM_TYPE,
    first: `${PART}Content-Transfer-Encoding: x\r\n\r\n${X}`,
    status: 400,
  },
  'a form with another file': {
    type: FORM_TYPE,
    first: `${PART.replace('"file"', '"f"; filename="f"')}\r\n${X}`,
    status: 400,
  },
  'bytes over the limit': { type: 'text/plain', first: X, status: 429 },
}
const REST = 'y'.repeat(50_000)

for (const [name, { type, first, status }] of Object.entries(BODIES)) {
  test(`${name}`, async (t) => {
    const storage = await storageOf(server, server, name.replaceAll(' ', '-').toLowerCase())
    await leavesNothing(t, server, storage, async () => {
      const wire = await Wire.open(server.port)
      wire.send(head(storage, type, first.length + REST.length)).send(first)
      t.regex(await wire.until(/}$/), new RegExp(`^HTTP/1.1 ${status} `))
      wire
        .send(REST)
        .send(head(storage, 'application/json', 2))
        .send('{}')
      // What it says of a body that says nothing.
      t.regex(await wire.until(/is missing\./), /HTTP.*HTTP/s)
      wire.close()
    })
  })
}

function head({ id }: Storage, type: string, length: number): string {
  return [
    `POST /api/v1/space/${id}/storage/upload/file HTTP/1.1`,
    'Host: test',
    `Authorization: Bearer ${server.token}`,
    `Content-Type: ${type}`,
    `Content-Length: ${length}`,
    '\r\n',
  ].join('\r\n')
}

const CUT: Readonly<Record<string, { readonly type: string; readonly sent: string }>> = {
  'a small body': { type: JSON_TYPE, sent: '{"file":"data:,x' },
  'a data URL': { type: JSON_TYPE, sent: `{"file":"data:;base64,${'x'.repeat(20_000)}` },
  'a large data URL': { type: JSON_TYPE, sent: `{"file":"data:;base64,${'x'.repeat(66_000)}` },
  'a form’s head': { type: FORM_TYPE, sent: '--b\r\nContent-Disp' },
  'a form’s file': { type: FORM_TYPE, sent: `${PART}\r\nbytes` },
  'the bytes': { type: 'text/plain', sent: 'bytes' },
}

for (const [name, { type, sent }] of Object.entries(CUT)) {
  test(`a client that goes away within ${name} leaves nothing`, async (t) => {
    const storage = await storageOf(server, server, `cut-${Buffer.from(name).toString('hex')}`)
    await leavesNothing(t, server, storage, async () => {
      const wire = await Wire.open(server.port)
      const { localPort = 0 } = wire.socket
      wire.send(head(storage, type, sent.length + 100)).send(sent)
      await new Promise((resolve) => wire.socket.write('', resolve))
      wire.close()
      await closed.get(localPort)
    })
    t.deepEqual(server.errors, [])
  })
}
