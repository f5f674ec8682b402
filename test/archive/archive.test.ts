import { createHash, randomBytes } from 'node:crypto'
import { PassThrough, Readable, Writable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import test, { type ExecutionContext } from 'ava'
import { extract, pack } from 'tar-stream'
import { exportSpace } from '../../src/archive/export.js'
import { importSpace } from '../../src/archive/import.js'
import { parsePath } from '../../src/space/names.js'
import type { OpContext } from '../../src/space/types.js'
import { pendingBlobs, type TestServer, testServer } from '../support/server.js'

let server: TestServer
test.before(async () => {
  server = await testServer()
})
test.after.always(() => server.stop())

let count = 0
/** A new space of a new account, and an operation on it. */
async function newSpace(limits: Partial<OpContext['limits']> = {}) {
  const name = `s${++count}`
  const user = await server.user(`u${count}`)
  await user.fetch(`/v1/code/spaces/${name}`, { method: 'PUT' })
  const { session, space } = await server.directory.loadAs(user.account.id, { name })
  if (!session || !space) throw new Error('no space')
  const op: OpContext = {
    space: space.id,
    caller: session.caller,
    limits: { ...session.account.plan, ...limits },
  }
  return { name, op, user, root: `/v1/code/spaces/${name}` }
}

function at(path: string) {
  return { path: parsePath(path) }
}

async function put(
  op: OpContext,
  path: string,
  body: string | Buffer,
  properties = new Map<string, string>(),
) {
  const bytes = Buffer.from(body)
  const blob = await server.blobs.put(op.space, bytes, { limit: 1e9 })
  await server.spaces.write(op, at(path), blob, {
    contentType: 'text/x-test; charset=ü',
    modified: 1_234_567_890_123,
    executable: path.endsWith('.sh'),
    properties,
  })
  await server.blobs.settle(op.space, blob.id)
}

function exported({ op, name }: { op: OpContext; name: string }): Promise<Buffer> {
  const out = new PassThrough()
  return Promise.all([buffer(out), exportSpace(server, op, name, out)]).then(([bytes]) => bytes)
}

/** Everything of the tree that an export keeps, by path. */
async function facts(op: OpContext) {
  const { batches } = await server.spaces.tree(op, at(''))
  const all: Record<string, unknown> = {}
  for await (const batch of batches) {
    const properties = await server.spaces.properties(
      op,
      batch.map(({ id }) => id),
    )
    for (const entry of batch) {
      const { kind, name, path, modified, size } = entry
      const file = entry.kind === 'file' && {
        contentType: entry.contentType,
        md5: entry.md5,
        executable: entry.executable,
      }
      all[path] = { kind, name, modified, size, ...file, properties: [...(properties.get(entry.id) ?? [])] }
    }
  }
  return all
}

test.serial(
  'a space comes back as it was: names, bytes, types, times, exec bits, properties, texts',
  async (t) => {
    const source = await newSpace()
    const property = new Map([['{urn:x=y}p', '<p xmlns="urn:x=y">value\nü</p>']])
    await server.spaces.mkdir(source.op, at('Ordner/leer'), { modified: 1_000_000_001_234 })
    await server.spaces.mkdir(source.op, at('Ordner'), {})
    await server.spaces.changeProperties(source.op, at('Ordner'), { set: property, modified: 5000 })
    await put(source.op, 'Ordner/Größe 100%.txt', 'Inhalt', property)
    await put(source.op, 'run.sh', '#!/bin/sh')
    await put(source.op, 'empty', '')
    await put(source.op, `${'long '.repeat(40)}x/${'name'.repeat(50)}.bin`, randomBytes(300_000))
    await server.spaces.writeMeta(source.op, 'description', 'what it is for: ü')
    const tar = await exported(source)

    const target = await newSpace()
    t.deepEqual(await importSpace(server, target.op, Readable.from([tar])), { files: 4, folders: 3 })
    t.deepEqual(await facts(target.op), await facts(source.op))
    const { meta } = await server.spaces.readMeta(target.op)
    t.is(meta.description?.text, 'what it is for: ü')
    const bytes = await (await target.user.fetch(`${target.root}/content/run.sh`)).text()
    t.is(bytes, '#!/bin/sh')
    t.is(await pendingBlobs(server), 0)
  },
)

test('the journal is in the archive, whole', async (t) => {
  const source = await newSpace()
  await put(source.op, 'a', '1')
  await put(source.op, 'a', '2')
  await server.spaces.remove(source.op, at('a'))
  const files = new Map<string, string>()
  const tar = extract()
  Readable.from([await exported(source)]).pipe(tar as unknown as NodeJS.WritableStream)
  for await (const entry of tar) {
    files.set(entry.header.name, (await buffer(entry as unknown as AsyncIterable<Buffer>)).toString())
  }
  t.deepEqual([...files.keys()], ['space.json', 'journal/000000000000001.ndjson', 'end.json'])
  const rows = (files.get('journal/000000000000001.ndjson') ?? '').trim().split('\n')
  t.deepEqual(
    rows.map((row) => JSON.parse(row)).map(({ seq, change, path }) => [seq, change, path]),
    [
      [1, 'create', 'a'],
      [2, 'update', 'a'],
      [3, 'delete', 'a'],
    ],
  )
})

test('100 MB go through in bounded memory', async (t) => {
  const source = await newSpace()
  const bytes = randomBytes(1 << 20)
  const md5 = createHash('md5')
  const body = Readable.from(
    (function* () {
      for (let piece = 0; piece < 95; piece++) {
        md5.update(bytes)
        yield bytes
      }
    })(),
  )
  const blob = await server.blobs.put(source.op.space, body, { limit: 1e9 })
  await server.spaces.write(source.op, at('large'), blob, { contentType: 'a/b' })
  const target = await newSpace()
  const between = new PassThrough()
  const before = process.memoryUsage().arrayBuffers
  let most = 0
  between.on('data', () => {
    most = Math.max(most, process.memoryUsage().arrayBuffers - before)
  })
  between.pause()
  await Promise.all([
    exportSpace(server, source.op, source.name, between),
    importSpace(server, target.op, between),
  ])
  const { entry } = await server.spaces.stat(target.op, at('large'))
  t.like(entry, { size: 95 << 20, md5: md5.digest('hex') })
  t.true(most < 60 << 20, `${most} bytes`)
})

async function refused(t: ExecutionContext, tar: Buffer, expected: RegExp, limits = {}) {
  const { op } = await newSpace(limits)
  const error = await t.throwsAsync(importSpace(server, op, Readable.from([tar])))
  t.regex(error?.message ?? '', expected)
  t.is(await pendingBlobs(server), 0)
}

test.serial('what is broken is refused, wherever it breaks', async (t) => {
  const source = await newSpace()
  await put(source.op, 'a.txt', 'x'.repeat(5000))
  await put(source.op, 'b/c.txt', 'y')
  const tar = await exported(source)
  for (const end of [0, 100, 600, 2600, 4000, tar.indexOf('end.json') - 1, tar.indexOf('end.json') + 100]) {
    await refused(t, tar.subarray(0, end), /no whole export/)
  }
  const flipped = Buffer.from(tar)
  flipped[tar.indexOf('xxxx') + 10] = 0x7a
  await refused(t, flipped, /not those that were exported/)
  await refused(t, randomBytes(10_000), /no whole export/)
})

test.serial('what other programs or enemies make is refused', async (t) => {
  const about = JSON.stringify({ format: 'novem-spaces export', version: 1, meta: {} })
  const tarOf = (...entries: [name: string, body: string, type?: 'symlink'][]) => {
    const tar = pack()
    for (const [name, body, type] of entries) tar.entry({ name, ...(type && { type, linkname: 'x' }) }, body)
    tar.finalize()
    return buffer(tar as unknown as AsyncIterable<Buffer>)
  }
  await refused(t, await tarOf(['a.txt', 'x']), /begins with "a.txt"/)
  await refused(t, await tarOf(['space.json', '{"format":"x","version":2}']), /format is "x 2"/)
  await refused(t, await tarOf(['space.json', 'nonsense']), /no valid JSON/)
  await refused(t, await tarOf(['space.json', about], ['content/l', '', 'symlink']), /is a symlink/)
  await refused(t, await tarOf(['space.json', about], ['content/../../etc/x', 'x']), /"\.\."/)
  await refused(t, await tarOf(['space.json', about], ['elsewhere', 'x']), /has no place/)
})

test.serial('limits of the plan hold', async (t) => {
  const source = await newSpace()
  await put(source.op, 'a', 'x'.repeat(3000))
  await put(source.op, 'b', 'x'.repeat(3000))
  const tar = await exported(source)
  await refused(t, tar, /5000/, { spaceBytes: 5000 })
  await refused(t, tar, /2000/, { fileBytes: 2000 })
  await refused(t, tar, /\b1\b/, { entries: 1 })
})

test('whoever stops reading ends the export', async (t) => {
  const source = await newSpace()
  await put(source.op, 'a', randomBytes(3_000_000))
  let taken = 0
  const out = new Writable({
    write(chunk: Buffer, _encoding, done) {
      taken += chunk.length
      done(taken > 500_000 ? new Error('no more') : null)
    },
  })
  await t.throwsAsync(exportSpace(server, source.op, source.name, out))
})
