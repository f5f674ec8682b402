import { createHash } from 'node:crypto'
import type { TestFn } from 'ava'
import { jsonBody } from '../support/http.js'
import {
  at,
  bodyOf,
  bytesOf,
  fails,
  journalOf,
  key,
  type MakeMounted,
  namesIn,
  put,
  textOf,
} from './support/volumes.js'

const MISSING_ETAG = 'f'.repeat(32)
const MOMENT = Date.parse('2021-03-04T05:06:07.089Z')

/** Names that a path on a wire must survive. `test/space/names.test.ts` knows which are refused. */
const AWKWARD = [
  'with space',
  "100% #1 a+b&c=d;e,f@g!$~`^[](){}'.txt",
  '%41%2F',
  '.hidden',
  '..two dots',
  'grüße',
  'Ελληνικά',
  '日本語.txt',
  '🎉🏳️‍🌈',
  '~',
  'x'.repeat(255),
]
const REFUSED = ['a:b', 'a?', 'a*', 'a\\b', '..', 'CON', 'dot.', 'tab\t', 'y'.repeat(256), '\ud800']

/** What every `Volume` must do on names, bytes, times and changes. */
export function volumeConformance(test: TestFn, make: MakeMounted): void {
  test('the volume says what it is, what it holds and what it may hold', async (t) => {
    const { volume, owner } = await make(t)
    const empty = await volume.info()
    t.deepEqual([empty.writable, empty.bytes, empty.entries, empty.cursor.seq], [true, 0, 0, 0])
    t.deepEqual(empty.limits, {
      fileBytes: owner.account.plan.fileBytes,
      spaceBytes: owner.account.plan.spaceBytes,
      entries: owner.account.plan.entries,
    })
    await put(volume, 'a', 'hello')
    const full = await volume.info()
    t.deepEqual([full.bytes, full.entries, full.cursor.seq], [5, 1, 1])
    t.is(full.cursor.epoch, empty.cursor.epoch)
    t.is(full.id, empty.id)
  })

  test('a space that is renamed stays the volume, whoever takes its name', async (t) => {
    const { volume, owner, space } = await make(t)
    const { id } = await volume.info()
    await put(volume, 'f', 'mine')
    await owner.fetch(`/v1/code/spaces/${space}`, { method: 'PATCH', body: 'other' })
    await owner.fetch(`/v1/code/spaces/${space}`, { method: 'PUT' })
    t.is((await volume.info()).id, id)
    t.is(await textOf(volume, 'f'), 'mine')
    await owner.fetch('/v1/code/spaces/other', { method: 'DELETE' })
    for (const doing of [volume.info(), volume.stat(at('f')), put(volume, 'g')])
      await fails(t, 'NOT_FOUND', doing)
  })

  test('what was written comes back: bytes, times to the millisecond, exec bit, digest', async (t) => {
    const { volume } = await make(t)
    const { item, seq } = await volume.write(at('run.sh'), bodyOf('#!/bin/sh\n'), {
      ...key(),
      modified: MOMENT,
      executable: true,
    })
    t.like(item, { kind: 'file', name: 'run.sh', size: 10, modified: MOMENT, executable: true })
    t.is(item.md5, createHash('md5').update('#!/bin/sh\n').digest('hex'))
    t.true(Math.abs(item.created - Date.now()) < 60_000)
    t.is(seq, 1)
    t.deepEqual(await volume.stat(at('run.sh')), { item, path: 'run.sh', seq: 1 })
    const listing = await volume.list(at(''))
    t.deepEqual(listing.items, [item])
    t.like(listing.folder, { id: 0, kind: 'folder', name: '', size: 10 })
    t.is(listing.seq, 1)
    t.is(await textOf(volume, 'run.sh'), '#!/bin/sh\n')

    const second = await put(volume, 'RUN.SH', 'other')
    t.like(second, { seq: 2, item: { id: item.id, name: 'run.sh', executable: true, created: item.created } })
    t.not(second.item.etag, item.etag)
    const empty = await put(volume, 'empty', '')
    t.like(empty.item, { size: 0, executable: false, md5: createHash('md5').digest('hex') })
  })

  test('everything is addressed from a folder, wherever that is by now', async (t) => {
    const { volume, files } = await make(t)
    const { item: folder } = await volume.mkdir(at('old'), key())
    const { item: below } = await volume.mkdir(at('below', folder.id), key())
    await files.patch('old', jsonBody({ to: 'new' }))
    await put(volume, 'below/file', 'bytes', folder.id)
    t.is(await textOf(volume, 'new/below/file'), 'bytes')
    t.is((await volume.stat(at('file', below.id))).path, 'new/below/file')
    t.is((await volume.stat(at('', below.id))).item.name, 'below')
    t.deepEqual((await volume.list(at('', folder.id))).folder.name, 'new')
    const { item } = await volume.move(at('file', below.id), at('moved', folder.id), key())
    t.is(item.name, 'moved')
    await volume.setAttributes(at('moved', folder.id), { executable: true }, key())
    await volume.remove(at('moved', folder.id), key())
    t.deepEqual(await namesIn(volume), ['new'])

    await files.delete('new?recursive=true')
    const gone = at('x', folder.id)
    for (const doing of [
      volume.stat(gone),
      volume.list(at('', folder.id)),
      volume.write(gone, bodyOf('x'), key()),
      volume.mkdir(gone, key()),
      volume.remove(gone, key()),
      volume.checkRemove(gone),
      volume.setAttributes(gone, { executable: true }, key()),
      volume.move(gone, at('y'), key()),
      volume.read(gone, MISSING_ETAG, { start: 0, end: 0 }, () => true),
    ])
      await fails(t, 'NOT_FOUND', doing)
    t.deepEqual(await namesIn(volume), [])
  })

  test('parents are never made on the way', async (t) => {
    const { volume } = await make(t)
    await put(volume, 'file')
    await fails(t, 'NO_PARENT', put(volume, 'no/file'))
    await fails(t, 'NO_PARENT', put(volume, 'no/file', Buffer.alloc(100_000)))
    await fails(t, 'NO_PARENT', volume.mkdir(at('no/folder'), key()))
    await fails(t, 'NO_PARENT', volume.move(at('file'), at('no/file'), key()))
    t.deepEqual(await namesIn(volume), ['file'])
  })

  test('any name that is allowed can be written, listed, moved and removed', async (t) => {
    const { volume } = await make(t)
    const { item: folder } = await volume.mkdir(at(AWKWARD[1] as string), key())
    for (const name of AWKWARD) {
      await put(volume, name, name, folder.id)
      const { item } = await volume.stat(at(name, folder.id))
      t.is(item.name, name.normalize('NFC'))
      await volume.move(at(name, folder.id), at('there', folder.id), key())
      await volume.move(at('there', folder.id), at(name, folder.id), key())
    }
    const { items } = await volume.list(at('', folder.id))
    t.deepEqual(
      items.map(({ name }) => name).toSorted(),
      AWKWARD.map((name) => name.normalize('NFC')).toSorted(),
    )
    for (const name of AWKWARD) await volume.remove(at(name, folder.id), key())
    t.deepEqual((await volume.list(at('', folder.id))).items, [])
  })

  test('names are compared without case and normal form, and keep theirs', async (t) => {
    const { volume } = await make(t)
    await put(volume, 'Café', 'one')
    for (const other of ['café', 'CAFÉ', 'Cafe\u0301']) {
      t.is((await volume.stat(at(other))).item.name, 'Café')
      t.is((await volume.stat(at(other))).path, 'Café')
    }
    const { item } = await volume.move(at('café'), at('CAFÉ'), { ...key(), ifNoneMatch: true })
    t.is(item.name, 'CAFÉ')
  })

  test('names that are refused say so, everywhere', async (t) => {
    const { volume } = await make(t)
    await put(volume, 'file')
    for (const name of REFUSED) {
      for (const doing of [
        put(volume, name),
        volume.mkdir(at(name), key()),
        volume.move(at('file'), at(name), key()),
        volume.stat(at(name)),
      ])
        t.regex((await fails(t, 'BAD_NAME', doing)).message, /name|character/)
    }
    await fails(t, 'BAD_PATH', put(volume, Array.from({ length: 65 }, () => 'd').join('/')))
  })

  test('preconditions: a write replaces the version it knows, or nothing', async (t) => {
    const { volume } = await make(t)
    const write = (body: string, more: { ifMatch?: string; ifNoneMatch?: boolean }) =>
      volume.write(at('f'), bodyOf(body), { ...key(), ...more })
    await fails(t, 'PRECONDITION_FAILED', write('a', { ifMatch: MISSING_ETAG }))
    const first = await write('a', { ifNoneMatch: true })
    await fails(t, 'PRECONDITION_FAILED', write('b', { ifNoneMatch: true }))
    const second = await write('b', { ifMatch: first.item.etag })
    await fails(t, 'PRECONDITION_FAILED', write('c', { ifMatch: first.item.etag }))
    await fails(t, 'PRECONDITION_FAILED', volume.remove(at('f'), { ...key(), ifMatch: first.item.etag }))
    t.is(await textOf(volume, 'f'), 'b')
    await volume.remove(at('f'), { ...key(), ifMatch: second.item.etag })
    await fails(t, 'NOT_FOUND', volume.stat(at('f')))
  })

  test('files where folders are needed, and the other way round', async (t) => {
    const { volume } = await make(t)
    await volume.mkdir(at('folder'), key())
    await put(volume, 'file')
    await fails(t, 'TYPE_CLASH', put(volume, 'folder'))
    await fails(t, 'TYPE_CLASH', put(volume, ''))
    await fails(t, 'TYPE_CLASH', put(volume, 'file/below'))
    await fails(t, 'TYPE_CLASH', volume.mkdir(at('file/below'), key()))
    await fails(t, 'TYPE_CLASH', volume.list(at('file')))
    await fails(t, 'NOT_FOUND', volume.stat(at('file/below')))
  })

  test('mkdir makes what is not there yet', async (t) => {
    const { volume } = await make(t)
    const { item, seq } = await volume.mkdir(at('New'), key())
    t.like(item, { kind: 'folder', name: 'New', size: 0, executable: false, md5: '' })
    t.is(seq, 1)
    t.deepEqual((await volume.stat(at('new'))).item, item)
    await put(volume, 'file')
    await fails(t, 'EXISTS', volume.mkdir(at('New'), key()))
    await fails(t, 'EXISTS', volume.mkdir(at('nEW'), key()))
    await fails(t, 'EXISTS', volume.mkdir(at('file'), key()))
    await fails(t, 'EXISTS', volume.mkdir(at(''), key()))
  })

  test('moves: rename, replace a file, and what is refused', async (t) => {
    const { volume } = await make(t)
    const { item: a } = await put(volume, 'a', 'one')
    await put(volume, 'b', 'two')
    const { item: folder } = await volume.mkdir(at('folder'), key())
    await volume.mkdir(at('other'), key())
    await fails(t, 'PRECONDITION_FAILED', volume.move(at('a'), at('b'), { ...key(), ifNoneMatch: true }))
    const { item, seq } = await volume.move(at('a'), at('b'), key())
    t.deepEqual([item.id, item.name, item.etag, seq], [a.id, 'b', a.etag, 6])
    t.is(await textOf(volume, 'b'), 'one')
    await fails(t, 'NOT_FOUND', volume.move(at('a'), at('c'), key()))
    await fails(t, 'FOLDER_EXISTS', volume.move(at('b'), at('folder'), key()))
    await fails(t, 'FOLDER_EXISTS', volume.move(at('folder'), at('other'), key()))
    await fails(t, 'TYPE_CLASH', volume.move(at('folder'), at('b'), key()))
    await fails(t, 'INTO_ITSELF', volume.move(at('folder'), at('below', folder.id), key()))
    await fails(t, 'NOT_ALLOWED', volume.move(at(''), at('c'), key()))
  })

  test('remove takes files and empty folders, and checkRemove tells before', async (t) => {
    const mounted = await make(t)
    const { volume } = mounted
    await volume.mkdir(at('folder'), key())
    await put(volume, 'folder/file')
    for (const doing of [volume.remove(at('folder'), key()), volume.checkRemove(at('folder'))])
      await fails(t, 'NOT_EMPTY', doing)
    for (const doing of [volume.remove(at('no'), key()), volume.checkRemove(at('no'))])
      await fails(t, 'NOT_FOUND', doing)
    for (const doing of [volume.remove(at(''), key()), volume.checkRemove(at(''))])
      await fails(t, 'NOT_ALLOWED', doing)
    await volume.checkRemove(at('folder/file'))
    t.is((await journalOf(mounted)).length, 2, 'nothing has changed')
    t.is((await volume.remove(at('folder/file'), key())).seq, 3)
    await volume.checkRemove(at('folder'))
    t.is((await volume.remove(at('folder'), key())).seq, 4)
    t.deepEqual(await namesIn(volume), [])
  })

  test('what somebody has locked is not changed, and checkRemove tells before', async (t) => {
    const { volume, server, owner } = await make(t)
    await put(volume, 'f', 'bytes')
    const { id } = await volume.info()
    const op = { space: id, caller: { accountId: owner.account.id }, limits: owner.account.plan }
    const lock = { token: 'urn:uuid:1', scope: 'exclusive', depth: 0, owner: '', timeoutMs: 60_000 } as const
    await server.spaces.lock(op, { path: { names: ['f'], folded: ['f'] } }, lock)
    for (const doing of [
      put(volume, 'f', 'other'),
      put(volume, 'f', Buffer.alloc(100_000)),
      volume.remove(at('f'), key()),
      volume.checkRemove(at('f')),
      volume.move(at('f'), at('g'), key()),
      volume.setAttributes(at('f'), { modified: 1 }, key()),
    ])
      await fails(t, 'LOCKED', doing)
    t.is(await textOf(volume, 'f'), 'bytes')
  })

  test('times and exec bit change alone', async (t) => {
    const { volume } = await make(t)
    const { item } = await put(volume, 'f', 'bytes')
    const dated = await volume.setAttributes(at('f'), { modified: MOMENT }, key())
    t.deepEqual(dated, { item: { ...item, modified: MOMENT }, seq: 2 })
    const { item: both } = await volume.setAttributes(at('F'), { modified: 1, executable: true }, key())
    t.deepEqual(both, { ...item, modified: 1, executable: true })
    t.deepEqual((await volume.stat(at('f'))).item, both)
    const other = { ...key(), ifMatch: MISSING_ETAG }
    await fails(t, 'PRECONDITION_FAILED', volume.setAttributes(at('f'), { modified: 2 }, other))
    const same = { ...key(), ifMatch: item.etag }
    t.is((await volume.setAttributes(at('f'), { modified: 3 }, same)).item.modified, 3)
    await volume.mkdir(at('d'), key())
    t.is((await volume.setAttributes(at('d'), { modified: MOMENT }, key())).item.modified, MOMENT)
    await fails(t, 'NOT_FOUND', volume.setAttributes(at('no'), { modified: 1 }, key()))
    await fails(t, 'NOT_ALLOWED', volume.setAttributes(at(''), { modified: 1 }, key()))
  })

  test('reads give ranges of the version that is meant, or none', async (t) => {
    const { volume, files } = await make(t)
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 251))
    const { item } = await put(volume, 'f', bytes)
    const read = async (start: number, end: number, etag = item.etag) =>
      bytesOf(volume, 'f', { etag, start, end })
    for (const [start, end] of [
      [0, 0],
      [0, 299_999],
      [100, 65_635],
      [100, 200_000],
      [299_999, 299_999],
      [299_000, 400_000],
    ] as const)
      t.true((await read(start, end)).equals(bytes.subarray(start, end + 1)), `${start}-${end}`)
    await fails(t, 'RANGE_NOT_SATISFIABLE', read(300_000, 300_001))
    await fails(t, 'PRECONDITION_FAILED', read(0, 1, MISSING_ETAG))
    await files.post('f', { body: 'new' })
    await fails(t, 'PRECONDITION_FAILED', read(0, 1))
    await files.delete('f')
    await fails(t, 'NOT_FOUND', read(0, 1))
    await volume.mkdir(at('f'), key())
    await fails(t, 'PRECONDITION_FAILED', read(0, 1))
  })

  test('the same key again: the first answer, and nothing happens twice', async (t) => {
    const mounted = await make(t)
    const { volume } = mounted
    const twice = async <T>(doing: () => Promise<T>) => {
      const first = await doing()
      t.deepEqual(await doing(), first)
      return first
    }
    const keys = Array.from({ length: 6 }, key)
    const using = (index: number) => keys[index] as { key: string }
    await twice(() => volume.mkdir(at('d'), using(0)))
    await twice(() => volume.write(at('d/f'), bodyOf('one'), { ...using(1), ifNoneMatch: true }))
    await twice(() => volume.write(at('d/f'), bodyOf('x'.repeat(100_000)), using(2)))
    await twice(() => volume.setAttributes(at('d/f'), { executable: true }, using(3)))
    await twice(() => volume.move(at('d/f'), at('g'), { ...using(4), ifNoneMatch: true }))
    await twice(() => volume.remove(at('g'), using(5)))
    t.is((await journalOf(mounted)).length, 6)
    t.is((await volume.info()).entries, 1)
  })

  test('what does not fit says which limit it is over', async (t) => {
    const { volume, files } = await make(t, 'free')
    const { limits } = await volume.info()
    t.deepEqual(limits, { fileBytes: 200_000, spaceBytes: 300_000, entries: 4 })
    for (const size of [200_001, 5_000_000]) {
      const error = await fails(t, 'FILE_TOO_LARGE', put(volume, 'large', Buffer.alloc(size)))
      t.regex(error.message, /200000|200,000/)
    }
    await put(volume, 'one', Buffer.alloc(200_000))
    for (const size of [100_001, 50_000]) {
      if (size === 50_000) await put(volume, 'two', Buffer.alloc(60_000))
      await fails(t, 'SPACE_FULL', put(volume, 'full', Buffer.alloc(size)))
    }
    await put(volume, 'three')
    await put(volume, 'four')
    await fails(t, 'TOO_MANY_ENTRIES', put(volume, 'five'))
    await fails(t, 'TOO_MANY_ENTRIES', volume.mkdir(at('five'), key()))
    t.deepEqual(await files.names(), ['four', 'one', 'three', 'two'])
  })

  test('a folder of 10,000 entries is listed whole', async (t) => {
    const { volume, server, owner } = await make(t)
    const { item } = await volume.mkdir(at('many'), key())
    const { id } = await volume.info()
    const op = { space: id, caller: { accountId: owner.account.id }, limits: owner.account.plan }
    const names = Array.from({ length: 10_000 }, (_, index) => `folder ${index}`)
    for (let from = 0; from < names.length; from += 500) {
      await Promise.all(
        names.slice(from, from + 500).map((name) => {
          const path = { names: [name], folded: [name] }
          return server.spaces.mkdir(op, { base: item.id, path })
        }),
      )
    }
    const listing = await volume.list(at('many'))
    t.deepEqual(listing.items.map(({ name }) => name).toSorted(), names.toSorted())
    t.is(listing.folder.id, item.id)
    t.is(listing.seq, 10_001)
  })

  test('many at once', async (t) => {
    const mounted = await make(t)
    const { volume } = mounted
    const names = Array.from({ length: 200 }, (_, index) => `f${index}`)
    await Promise.all(names.map((name) => put(volume, name, name)))
    const texts = await Promise.all(names.map((name) => textOf(volume, name)))
    t.deepEqual(texts, names)
    await Promise.all(names.map((name) => volume.remove(at(name), key())))
    t.is((await journalOf(mounted)).length, 400)
  })
}
