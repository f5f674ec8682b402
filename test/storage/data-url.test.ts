import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import test, { type ExecutionContext } from 'ava'
import fc from 'fast-check'
import { openDataUrl } from '../../src/http/storage/data-url.js'
import { SpaceError } from '../../src/space/errors.js'
import { contentOf, json } from '../support/http.js'
import { type TestServer, testServer } from '../support/server.js'
import { leavesNothing, refusedWith, type Storage, storageOf } from './support.js'

/** Data URLs (RFC 2397), small ones in a small body and large ones that are decoded as they come. */

let server: TestServer
let storage: Storage
test.before(async () => {
  server = await testServer({ plans: { premium: { fileBytes: 5_000_000, spaces: 100 } } })
  storage = await storageOf(server, server, 'urls')
})
test.after.always(() => server.stop())

async function* cut(url: string, size: number): AsyncGenerator<string, void> {
  for (let at = 0; at < url.length; at += size) yield url.slice(at, at + size)
}

async function decode(url: string, size = url.length) {
  const { contentType, bytes } = await openDataUrl(cut(url, size))
  const chunks: Buffer[] = []
  for await (const chunk of bytes) chunks.push(chunk)
  return { contentType, bytes: Buffer.concat(chunks) }
}

async function message(t: ExecutionContext, url: string, size?: number): Promise<string> {
  const error = await t.throwsAsync(() => decode(url, size), { instanceOf: SpaceError }, url.slice(0, 80))
  t.is((error as SpaceError).code, 'BAD_REQUEST')
  return error?.message ?? ''
}

test('bytes survive in either encoding, wherever the URL is cut', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 60 }),
      fc.integer({ min: 1, max: 70 }),
      async (array, size) => {
        const bytes = Buffer.from(array)
        const base64 = bytes.toString('base64')
        const escaped = [...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
        const twice = [...base64].map((character) => `%${character.charCodeAt(0).toString(16)}`).join('')
        for (const url of [
          `,${escaped}`,
          `;base64,${base64}`,
          `;base64,${base64.replace(/=+$/, '')}`,
          `;base64,${twice}`,
        ]) {
          t.deepEqual((await decode(`data:a/b${url}`, size)).bytes, bytes, url)
        }
      },
    ),
  )
})

test('the media type, its parameters, and what is not one', async (t) => {
  const typeOf = async (head: string) => (await decode(`${head},x`)).contentType
  t.is(await typeOf('data:text/csv'), 'text/csv')
  t.is(await typeOf('DATA:text/csv;charset=utf-8'), 'text/csv;charset=utf-8')
  t.is(await typeOf('data:text/csv;charset="utf-8";x=y'), 'text/csv;charset="utf-8";x=y')
  t.is(await typeOf('data:;charset=utf-8'), 'text/plain;charset=utf-8')
  t.is(await typeOf('data:'), undefined)
  t.is((await decode('data:image/png;x=base64;BASE64,AAAA')).contentType, 'image/png;x=base64')
  t.is((await decode('data:; base64,AAAA')).contentType, undefined)
})

test('characters of any kind are bytes of UTF-8; white space in base64 does not count', async (t) => {
  for (const size of [1, 2, 1000]) {
    t.is((await decode('data:,caf%C3%A9 é 😀+%2B', size)).bytes.toString(), 'café é 😀++')
    t.is((await decode('data:;base64,aGVs\r\n bG8=%0a', size)).bytes.toString(), 'hello')
  }
})

test('what is wrong is said, and where', async (t) => {
  for (const size of [1, 3, 1000]) {
    for (const [url, text] of [
      ['data:;base64,aGVs*G8=', '*'],
      ['data:;base64,aGVs-_8=', '-'],
      ['data:;base64,aGVsbG8=aGVs', 'padding'],
      ['data:;base64,aGVsbG8==', 'base64'],
      ['data:;base64,aGVsb', 'end of base64'],
      ['data:;base64,====', 'base64'],
      ['data:,a%zzb', '%z'],
      ['data:,a%4', 'escape'],
      ['data:,a#b', '%23'],
      ['data:text/plain', 'comma'],
    ] as const) {
      const said = await message(t, url, size)
      t.true(said.includes(text), `${said} should say ${text}`)
    }
  }
  await message(t, `data:${'x'.repeat(5000)},`, 100)
})

const put = (path: string, file: string, to = storage) => to.describe(path, { file })

async function typeOf(path: string): Promise<string> {
  return (await json(await contentOf(server, 'urls').get(path, { headers: { accept: 'application/json' } })))
    .content_type
}

test('the type is the one the URL declares, else that of the path', async (t) => {
  t.is((await put('t.bin', 'data:text/csv; charset=utf-8;base64,YQ==')).status, 200)
  t.is(await typeOf('t.bin'), 'text/csv; charset=utf-8')
  t.is((await put('t.png', 'data:;base64,YQ==')).status, 200)
  t.is(await typeOf('t.png'), 'image/png')
  t.is(await storage.text('t.png'), 'a')
})

test('a URL that is not what it says is refused, small or large, and leaves nothing', async (t) => {
  const own = await storageOf(server, server, 'refusals')
  const large = Buffer.alloc(150_000, 'x').toString('base64')
  await leavesNothing(t, server, own, async () => {
    for (const [url, text] of [
      ['data:;base64,aGVsb*8=', '*'],
      ['data:nonsense,x', 'nonsense'],
      [`data:;base64,${large}*`, '*'],
      [`data:;base64,${large}YQ==YQ==`, 'padding'],
      [`data:,${'%41'.repeat(100_000)}%4`, 'escape'],
      [`data:nonsense,${large}`, 'nonsense'],
      [`data:${large}`, 'comma'],
    ] as const) {
      await refusedWith(t, await put('refused', url, own), 400, 'BAD_REQUEST', text)
    }
    const tooLarge = `data:;base64,${Buffer.alloc(5_000_001).toString('base64')}`
    await refusedWith(t, await put('too-large', tooLarge, own), 429, 'LIMITS_REACHED', '5000000', 'too-large')
  })
})

/** Sends a JSON body as it is, in pieces of that size. */
function send(to: Storage, path: string, body: string | Buffer, size = 70_001): Promise<Response> {
  const bytes = Buffer.from(body)
  const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
    bytes.subarray(at * size, (at + 1) * size),
  )
  const headers = { 'content-type': 'application/json; charset=utf-8' }
  const init = {
    body: Readable.toWeb(Readable.from(pieces)) as ReadableStream,
    duplex: 'half',
    headers,
  } as const
  return to.ask('POST', `upload/${path}`, init)
}

test('a large one comes through however its JSON is written', async (t) => {
  const bytes = randomBytes(2_000_000)
  const base64 = bytes.toString('base64')
  for (const [name, body] of [
    ['plain', `{"file":"data:;base64,${base64}"}`],
    ['slashes escaped', `{ "file" : "data:;base64,${base64.replaceAll('/', '\\/')}" }\n`],
    ['pluses as \\u002B', `\n{"file":"data:;base64,${base64.replaceAll('+', '\\u002B')}"}`],
    ['more behind it', `{"file":"data:;base64,${base64}","note":{"file":"\\"}"},"n":[1,2]}`],
    [
      'percent-encoded',
      `{"file":"data:,${[...bytes.subarray(0, 500_000)].map((b) => `%${b.toString(16).padStart(2, '0')}`).join('')}"}`,
    ],
  ] as const) {
    t.is((await send(storage, 'large', body)).status, 200, name)
    const got = Buffer.from(await (await storage.ask('GET', 'download/large')).arrayBuffer())
    t.true(got.equals(name === 'percent-encoded' ? bytes.subarray(0, 500_000) : bytes), name)
  }
})

test('a large body that is not right is refused, however far it came', async (t) => {
  const own = await storageOf(server, server, 'bodies')
  const base64 = Buffer.alloc(150_000, 'x').toString('base64')
  await leavesNothing(t, server, own, async () => {
    for (const [name, body, text] of [
      ['not JSON behind the string', `{"file":"data:;base64,${base64}"]`, 'JSON'],
      ['more behind the object', `{"file":"data:;base64,${base64}"} x`, 'JSON'],
      ['ends within the string', `{"file":"data:;base64,${base64}`, 'JSON'],
      ['ends behind the string', `{"file":"data:;base64,${base64}"`, 'JSON'],
      ['ends within an escape', `{"file":"data:;base64,${base64}\\u00`, 'JSON'],
      ['an escape that is none', `{"file":"data:;base64,${base64}\\q"}`, 'JSON'],
      ['file again', `{"file":"data:;base64,${base64}","file":"data:,x"}`, 'more than once'],
      ['a lot behind it', `{"file":"data:;base64,${base64}","x":"${base64}"}`, '65536'],
      ['a lot before it', `{"x":"${base64}","file":"data:,x"}`, '"file"'],
      ['no data URL', `{"file":"http://x/${base64}"}`, '"file'],
    ] as const) {
      const response = await send(own, 'refused', body)
      t.is(response.status, 400, name)
      await refusedWith(t, response, 400, 'BAD_REQUEST', text)
    }
    const invalid = Buffer.concat([
      Buffer.from(`{"file":"data:,${base64}`),
      Buffer.from([0xff]),
      Buffer.from('"}'),
    ])
    await refusedWith(t, await send(own, 'refused', invalid), 400, 'BAD_REQUEST', 'UTF-8')
  })
})

test('what "file" may be is said', async (t) => {
  for (const [body, text] of [
    [{}, 'missing'],
    [{ file: null }, 'null'],
    [{ file: 5 }, '5'],
    [{ file: ['data:,x'] }, 'data:,x'],
    [{ file: '' }, 'URL'],
    [{ file: 'ftp://example.org/x' }, 'http'],
    [[], 'object'],
  ] as const) {
    await refusedWith(t, await storage.describe('refused', body), 400, 'BAD_REQUEST', text)
  }
  await refusedWith(t, await send(storage, 'refused', '{"file":'), 400, 'BAD_REQUEST', 'JSON')
  await refusedWith(t, await send(storage, 'refused', ''), 400, 'BAD_REQUEST', 'JSON')
})

test('other types that end in json are files, as any other', async (t) => {
  const headers = { 'content-type': 'application/geo+json' }
  t.is((await storage.upload('map.json', '{"file":"data:,x"}', headers)).status, 200)
  t.is(await storage.text('map.json'), '{"file":"data:,x"}')
})
