import test, { type ExecutionContext } from 'ava'
import { contentOf, json, Wire } from '../support/http.js'
import { type TestServer, testServer } from '../support/server.js'
import { leavesNothing, refusedWith, type Storage, storageOf } from './support.js'

/** Forms byte by byte (RFC 7578): which part is the file, and all that can be wrong with them. */

let server: TestServer
let storage: Storage
test.before(async () => {
  server = await testServer({ plans: { premium: { fileBytes: 3_000_000, spaces: 100 } } })
  storage = await storageOf(server, server, 'forms')
})
test.after.always(() => server.stop())

const TYPE = 'multipart/form-data; boundary=edge'

interface Part {
  readonly disposition: string
  readonly headers?: readonly string[]
  readonly body: string
}

const file = (body: string, ...headers: string[]): Part => ({
  disposition: 'form-data; name="file"; filename="x.bin"',
  headers,
  body,
})
const field = (name: string, body: string): Part => ({ disposition: `form-data; name="${name}"`, body })

function form(...parts: readonly Part[]): string {
  const written = parts.map(({ disposition, headers = [], body }) =>
    ['--edge', `Content-Disposition: ${disposition}`, ...headers, '', body, ''].join('\r\n'),
  )
  return `${written.join('')}--edge--\r\n`
}

const post = (path: string, body: string, type = TYPE, to = storage) =>
  to.upload(path, body, { 'content-type': type })

let spaces = 0
const ownStorage = () => storageOf(server, server, `own${spaces++}`)

async function typeOf(path: string): Promise<string> {
  return (await json(await contentOf(server, 'forms').get(path, { headers: { accept: 'application/json' } })))
    .content_type
}

test('the part file is found anywhere among the others', async (t) => {
  const [before, after] = [field('title', 'a title'), field('note', 'n'.repeat(100_000))]
  for (const [at, parts] of [
    [file('bytes')],
    [file('bytes'), after],
    [before, file('bytes')],
    [before, after, file('bytes'), field('', '')],
  ].entries()) {
    t.is((await post(`found${at}`, form(...parts))).status, 200)
    t.is(await storage.text(`found${at}`), 'bytes')
  }
})

test('bytes that look like a boundary are bytes', async (t) => {
  const tricky = '\r\n--edg\r\n-edge\r\n-\r\r\n--edg'
  for (const body of ['\r\n', tricky, `${'-'.repeat(70_000)}\r\n--edg`]) {
    t.is((await post('tricky', form(field('a', tricky), file(body), field('b', tricky)))).status, 200)
    t.is(await storage.text('tricky'), body)
  }
})

test('a name is a name however it is written', async (t) => {
  for (const disposition of [
    'form-data; name=file',
    'form-data; filename="a\\"b; name=other"; name="file"',
    'FORM-DATA; Name="file"; filename*=UTF-8\'\'x',
    'form-data;name="file" ; filename="C:\\\\x"',
  ]) {
    t.is((await post('named', form({ disposition, body: disposition }))).status, 200, disposition)
    t.is(await storage.text('named'), disposition)
  }
})

test('the type is the one the part declares, with its parameters; else that of the path', async (t) => {
  await post('t.bin', form(file('x', 'Content-Type: text/csv; charset=utf-8')))
  t.is(await typeOf('t.bin'), 'text/csv; charset=utf-8')
  await post('t.png', form(file('x')))
  t.is(await typeOf('t.png'), 'image/png')
  await post('t.json', form(file('x', 'content-type:application/octet-stream')))
  t.is(await typeOf('t.json'), 'application/json')
})

test('a boundary may be quoted, with other parameters around it; what follows the form is ignored', async (t) => {
  const type = 'Multipart/Form-Data; charset=utf-8; boundary="edge"; x=y'
  t.is((await post('quoted', `preamble\r\n${form(file('bytes'))}epilogue`, type)).status, 200)
  t.is(await storage.text('quoted'), 'bytes')
})

/** `body`: of a form, or a whole request. */
const refused = (
  title: string,
  body: string | ((own: Storage) => Promise<Response>),
  ...texts: readonly string[]
) =>
  test(title, async (t) => {
    const own = await ownStorage()
    await leavesNothing(t, server, own, async () => {
      const response = typeof body === 'string' ? await post('refused', body, TYPE, own) : await body(own)
      await refusedWith(t, response, 400, 'BAD_REQUEST', ...texts)
    })
  })

const LARGE = 'x'.repeat(1_000_000)

refused('no part at all', '--edge--\r\n', 'no part "file"')
refused('no file part', form(field('title', 'x')), 'no part "file"')
refused(
  'the file under another name',
  form(field('a', 'b'), { disposition: 'form-data; name="upload"; filename="x"', body: 'x' }),
  '"upload"',
)
refused(
  'a large file under another name',
  form({ disposition: 'form-data; name="upload"; filename="x"', body: LARGE }),
  '"upload"',
)
refused('two file parts', form(file('one'), file('two')), 'second')
refused('two file parts, the first large', form(file(LARGE), file('two')), 'second')
refused(
  'a file beside the file',
  form(file('one'), { disposition: 'form-data; name="more"; filename="x"', body: 'x' }),
  '"more"',
)
refused('a file part without any headers', '--edge\r\n\r\nbytes\r\n--edge--\r\n', 'no part "file"')
refused(
  'a part that is no form data',
  form({ disposition: 'attachment; name="file"', body: 'x' }),
  'no part "file"',
)
refused('a transfer encoding', form(file('aGVsbG8=', 'Content-Transfer-Encoding: base64')), 'base64')
refused('a type that is none', form(file('x', 'Content-Type: nonsense')), 'nonsense')
refused('an empty body', '', 'boundary')
refused('a body that is no form', 'just text', 'boundary')
refused('a form that ends within the file', form(file(LARGE)).slice(0, -500), 'boundary')
refused('a form that ends behind the file', `${form(file('bytes')).slice(0, -6)}`, 'boundary')
refused('a form that ends within headers', '--edge\r\nContent-Disposition: form-da', 'boundary')
refused('too much besides the file', form(file('x'), field('a', LARGE), field('b', LARGE)), '1048576')
refused(
  'a type without boundary',
  (own) => post('refused', form(file('x')), 'multipart/form-data', own),
  'boundary',
)
refused(
  'another boundary',
  (own) => post('refused', form(file('x')), 'multipart/form-data; boundary=other', own),
  'boundary',
)
refused(
  'an endless boundary',
  (own) => post('refused', form(file('x')), `multipart/form-data; boundary=${'e'.repeat(71)}`, own),
  'boundary',
)
refused(
  'a digest, which would be of the form and not of the file',
  () =>
    storage.upload('refused', form(file('x')), {
      'content-type': TYPE,
      'content-md5': 'AAAAAAAAAAAAAAAAAAAAAA==',
    }),
  'content-md5',
)

test('a file over the limit is refused: early where the length tells, else when it is passed', async (t) => {
  const own = await ownStorage()
  const tooLarge = form(file('x'.repeat(3_000_001)))
  await leavesNothing(t, server, own, async () => {
    await refusedWith(t, await post('large', tooLarge, TYPE, own), 429, 'LIMITS_REACHED', '3000000', 'large')
    const endless = { ...announcing(5_000_000), ...expecting }
    const wire = (await Wire.open(server.port)).send(head(own, 'large', endless))
    t.regex(await wire.until(/}$/), /^HTTP\/1.1 429 /, 'no byte of the body was asked for')
    wire.close()
  })
  t.is((await post('just-fits', form(file('x'.repeat(3_000_000))))).status, 200)
})

test('a client that goes away in the middle of a form leaves nothing', async (t) => {
  const own = await ownStorage()
  await leavesNothing(t, server, own, async () => {
    for (const sent of [10, 120, 200_000]) {
      const wire = await Wire.open(server.port)
      wire.send(head(own, 'gone', announcing(1_000_000))).send(form(file(LARGE)).slice(0, sent))
      await reached(own, sent)
      wire.close()
    }
  })
})

test('a client that waits to be asked is asked once everything else is right', async (t) => {
  const body = form(file('bytes'))
  const wire = (await Wire.open(server.port)).send(
    head(storage, 'asked', { ...announcing(body.length), ...expecting }),
  )
  await wire.until(/^HTTP\/1.1 100 Continue\r\n\r\n/)
  wire.send(body)
  t.regex(await wire.until(/}$/), /HTTP\/1.1 200 /)
  wire.close()
  t.is(await storage.text('asked'), 'bytes')
})

const announcing = (length: number) => ({ 'Content-Length': String(length) })
const expecting = { Expect: '100-continue' }

function head({ id }: Storage, path: string, headers: Readonly<Record<string, string>>): string {
  const all = { Host: 'test', Authorization: `Bearer ${server.token}`, 'Content-Type': TYPE, ...headers }
  const lines = Object.entries(all).map((pair) => `${pair.join(': ')}\r\n`)
  return `POST /api/v1/space/${id}/storage/upload/${path} HTTP/1.1\r\n${lines.join('')}\r\n`
}

/** Once the server has begun to store something, or, of what is no file yet, has had the time of another request. */
async function reached(own: Storage, sent: number): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    await own.ask('GET', 'list')
    for await (const { pending } of server.blobs.list(own.space)) if (pending) return
    if (sent < 1000 && tries > 5) return
  }
}

/** The parser sees the form in pieces of every size. */
test('however a form is cut into pieces, it is read alike', async (t: ExecutionContext) => {
  const whole = form(field('a', 'before'), file('some\r\n--edg bytes'), field('b', 'after'))
  for (let at = 1; at < whole.length; at += 3) {
    const body = new ReadableStream({
      start(controller) {
        for (const piece of [whole.slice(0, at), whole.slice(at)]) controller.enqueue(Buffer.from(piece))
        controller.close()
      },
    })
    const init = { body, duplex: 'half', headers: { 'content-type': TYPE } } as const
    t.is((await storage.ask('POST', 'upload/pieces', init)).status, 200, `cut at ${at}`)
  }
  t.is(await storage.text('pieces'), 'some\r\n--edg bytes')
})
