import { createHash, randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { TestFn } from 'ava'
import { pendingBlobs } from '../support/server.js'
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
  until,
} from './support/volumes.js'

const MB = 1024 * 1024
const LOOK_BYTES = 20 * MB

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

function bytesInUse(): number {
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** What every `Volume` must do with bytes that come and go slowly, or stop. */
export function streamConformance(test: TestFn, make: MakeMounted): void {
  // Alone, since it measures.
  test.serial('100 MB go in and come out again without being held in memory', async (t) => {
    const { volume } = await make(t)
    const size = 100 * MB
    const chunk = randomBytes(MB)
    const expected = createHash('md5')
    for (let sent = 0; sent < size; sent += MB) expected.update(chunk)
    const md5 = expected.digest('hex')
    const before = bytesInUse()
    let most = 0
    let passed = 0
    // Now and then: to say what is in use takes its time.
    const pass = (bytes: number) => {
      const looks = Math.floor(passed / LOOK_BYTES)
      passed += bytes
      if (Math.floor(passed / LOOK_BYTES) > looks) most = Math.max(most, bytesInUse() - before)
    }
    const open = () =>
      Readable.from(
        (function* () {
          for (let sent = 0; sent < size; sent += MB) {
            pass(MB)
            yield chunk
          }
        })(),
        { highWaterMark: 1 },
      )
    const { item } = await volume.write(at('large'), { size, open }, key())
    t.deepEqual([item.size, item.md5], [size, md5])
    const read = createHash('md5')
    await volume.read(at('large'), item.etag, { start: 0, end: size - 1 }, (piece) => {
      pass(piece.length)
      read.update(piece)
      return true
    })
    t.is(read.digest('hex'), md5)
    t.true(most < 32 * MB, `${Math.round(most / MB)} MB more than before`)
  })

  test('bytes whose number nobody knew are as many as came, and no more than a file may have', async (t) => {
    const { volume } = await make(t, 'free')
    const open = (pieces: number) => () =>
      Readable.from(
        (function* () {
          for (let sent = 0; sent < pieces; sent++) yield Buffer.alloc(20_000)
        })(),
      )
    const { item } = await volume.write(at('f'), { open: open(5) }, key())
    t.is(item.size, 100_000)
    t.is((await volume.write(at('none'), { open: open(0) }, key())).item.size, 0)
    await fails(t, 'FILE_TOO_LARGE', volume.write(at('f'), { open: open(200) }, key()))
    t.is((await volume.stat(at('f'))).item.etag, item.etag)
  })

  test('a write that is given up leaves nothing behind', async (t) => {
    const mounted = await make(t)
    const { volume, server } = mounted
    const source = new Readable({ read() {} })
    const abort = new AbortController()
    const body = { size: 10 * MB, open: () => source }
    const writing = volume.write(at('f'), body, { ...key(), signal: abort.signal })
    source.push(Buffer.alloc(MB))
    await until(async () => (await pendingBlobs(server)) === 1)
    abort.abort()
    await fails(t, 'UNAVAILABLE', writing)
    t.true(source.destroyed)
    await until(async () => (await pendingBlobs(server)) === 0)
    await fails(t, 'UNAVAILABLE', volume.write(at('f'), bodyOf('x'), { ...key(), signal: abort.signal }))
    t.deepEqual(await namesIn(volume), [])
    t.deepEqual(await journalOf(mounted), [])
  })

  test('a source that fails, or has not the bytes it announced, changes nothing', async (t) => {
    const mounted = await make(t)
    const { volume, server } = mounted
    const sources: (() => Readable)[] = [
      () => Readable.from([Buffer.alloc(100_000)]),
      () => Readable.from([Buffer.alloc(100_000), Buffer.alloc(100_001)]),
      () =>
        Readable.from(
          (function* () {
            yield Buffer.alloc(100_000)
            throw new Error('the disk is broken')
          })(),
        ),
    ]
    for (const open of sources) {
      let opened: Readable | undefined
      const body = {
        size: 200_000,
        open: () => {
          opened = open()
          return opened
        },
      }
      await fails(t, 'BODY_BROKEN', volume.write(at('f'), body, key()))
      t.true(opened?.destroyed)
    }
    await until(async () => (await pendingBlobs(server)) === 0)
    t.deepEqual(await journalOf(mounted), [])
  })

  test('a read that is given up frees everything, and others go on', async (t) => {
    const { volume } = await make(t)
    const bytes = randomBytes(20 * MB)
    const { item } = await put(volume, 'f', bytes)
    const range = { start: 0, end: bytes.length - 1 }
    for (let round = 0; round < 20; round++) {
      const abort = new AbortController()
      let pieces = 0
      const take = () => {
        pieces += 1
        // Within a piece, or behind it.
        if (round % 4 === 0) abort.abort()
        else if (round % 4 === 1) setImmediate(() => abort.abort())
        return round % 4 !== 2
      }
      const reading = volume.read(at('f'), item.etag, range, take, abort.signal)
      if (round % 4 === 3) abort.abort()
      if (round % 4 === 2) await reading
      else await fails(t, 'UNAVAILABLE', reading)
      t.is(pieces > 0, round % 4 !== 3)
    }
    t.true((await bytesOf(volume, 'f', { ...range, etag: item.etag })).equals(bytes))
  })

  test('who reads has the version that was meant to its end, and what it raises itself is what it hears', async (t) => {
    const { volume } = await make(t)
    const bytes = randomBytes(8 * MB)
    const { item } = await put(volume, 'f', bytes)
    const range = { start: 0, end: bytes.length - 1 }
    const refuse = () => {
      throw new Error('the disk is full')
    }
    await t.throwsAsync(volume.read(at('f'), item.etag, range, refuse), { message: /the disk is full/ })
    let replacing: Promise<unknown> | undefined
    const read = bytesOf(volume, 'f', { ...range, etag: item.etag }, () => {
      replacing ??= put(volume, 'f', 'new')
    })
    t.true((await read).equals(bytes))
    await replacing
    t.is(await textOf(volume, 'f'), 'new')
  })

  test('refused while the bytes still come: the reason is told', async (t) => {
    const { volume } = await make(t, 'free')
    const zeros = (size: number) => ({
      size,
      open: () =>
        Readable.from(
          (function* () {
            for (let sent = 0; sent < size; sent += 50_000) yield Buffer.alloc(50_000)
          })(),
        ),
    })
    await fails(t, 'FILE_TOO_LARGE', volume.write(at('f'), zeros(50_000_000), key()))
    await fails(t, 'NO_PARENT', volume.write(at('no/f'), zeros(150_000), key()))
    await fails(t, 'NO_PARENT', volume.write(at('no/f'), zeros(200_000), key()))
  })
}
