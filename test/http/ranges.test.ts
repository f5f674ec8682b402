import { Readable } from 'node:stream'
import test from 'ava'
import fc from 'fast-check'
import type { ByteRange } from '../../src/blobs/store.js'
import { httpDate } from '../../src/http/dates.js'
import {
  contentRange,
  multipartRanges,
  rangeLength,
  type Selection,
  selectRange,
} from '../../src/http/ranges.js'
import { refused } from '../support/refused.js'

const ETAG = '5d41402abc4b2a76b9719d911017c592'
const MODIFIED = Date.UTC(2024, 10, 29, 9, 39, 33) + 250
const file = (size: number) => ({ size, etag: ETAG, modified: MODIFIED })

/** `0-4` for one part, `0-1,5-6` for several, or the kind. */
function told(selection: Selection): string {
  const shown = ({ start, end }: ByteRange) => `${start}-${end}`
  if (selection.kind === 'single') return shown(selection.range)
  return selection.kind === 'multi' ? selection.ranges.map(shown).join() : selection.kind
}

for (const [range, size, expected] of [
  ['bytes=0-4', 10, '0-4'],
  ['bytes=5-', 10, '5-9'],
  ['bytes=-3', 10, '7-9'],
  ['bytes=-30', 10, '0-9'],
  ['bytes=8-30', 10, '8-9'],
  ['Bytes= 0-4 ,', 10, '0-4'],
  [`bytes=0-${'9'.repeat(400)}`, 10, '0-9'],
  ['bytes=10-', 10, 'unsatisfiable'],
  ['bytes=-0', 10, 'unsatisfiable'],
  [`bytes=${'9'.repeat(400)}-`, 10, 'unsatisfiable'],
  ['bytes=0-', 0, 'unsatisfiable'],
  ['bytes=-5', 0, 'full'],
  ['lines=1-2', 10, 'full'],
  ['bytes', 10, 'full'],
  ['bytes=0-1,4-5', 10, '0-1,4-5'],
  ['bytes=8-9,0-0', 10, '8-9,0-0'],
  ['bytes=0-0,-1', 10, '0-0,9-9'],
  ['bytes=0-1,20-30', 10, '0-1'],
  ['bytes=0-4,2-6', 10, '0-6'],
  ['bytes=6-8,0-1,1-2', 10, '6-8,0-2'],
  ['bytes=20-30,40-', 10, 'unsatisfiable'],
  [`bytes=${'0-,'.repeat(1000)}`, 10, '0-9'],
  [`bytes=${Array.from({ length: 33 }, (_, index) => `${index * 2}-${index * 2}`).join()}`, 100, 'full'],
] as const) {
  test(`${range.slice(0, 40)} (${range.length}) of ${size} bytes is ${expected}`, (t) => {
    t.is(told(selectRange({ range }, file(size))), expected)
  })
}

for (const range of [
  'bytes=',
  'bytes=a',
  'bytes=-',
  'bytes=1',
  'bytes=5-2',
  'bytes=0-1,x',
  'bytes=1--2',
  'bytes=0x1-2',
  'bytes=+1-2',
]) {
  test(`${range} is refused by name`, (t) => {
    t.regex(
      refused(() => selectRange({ range }, file(10))),
      /^The header Range .*: "bytes=.*"\.$/,
    )
  })
}

test('without a Range the file is whole, whatever If-Range says', (t) => {
  t.is(told(selectRange({}, file(10))), 'full')
  t.is(told(selectRange({ 'if-range': `"${ETAG}"` }, file(10))), 'full')
})

for (const [condition, expected] of [
  [`"${ETAG}"`, '0-4'],
  [ETAG, '0-4'],
  [`W/"${ETAG}"`, 'full'],
  ['"other"', 'full'],
  [httpDate(MODIFIED), '0-4'],
  [httpDate(MODIFIED + 1000), 'full'],
  [httpDate(MODIFIED - 1000), 'full'],
  ['', 'full'],
] as const) {
  test(`If-Range ${condition}: ${expected}`, (t) => {
    t.is(told(selectRange({ range: 'bytes=0-4', 'if-range': condition }, file(10))), expected)
  })
}

test('Content-Range', (t) => {
  t.is(contentRange({ start: 0, end: 4 }, 10), 'bytes 0-4/10')
  t.is(contentRange(undefined, 10), 'bytes */10')
})

test('what is selected lies in the file, does not overlap and holds every byte asked for', (t) => {
  const spec = fc.oneof(
    fc.tuple(fc.nat(40), fc.nat(40)).map(([first, more]) => `${first}-${first + more}`),
    fc.nat(40).map((first) => `${first}-`),
    fc.nat(40).map((last) => `-${last}`),
  )
  fc.assert(
    fc.property(
      fc.array(spec, { minLength: 1, maxLength: 6 }),
      fc.integer({ min: 1, max: 30 }),
      (specs, size) => {
        const wanted = new Set<number>()
        for (const one of specs) {
          const [first = '', last = ''] = one.split('-')
          for (let at = 0; at < size; at++) {
            const inside =
              first === ''
                ? at >= size - Number(last)
                : at >= Number(first) && (last === '' || at <= Number(last))
            if (inside) wanted.add(at)
          }
        }
        const selection = selectRange({ range: `bytes=${specs.join()}` }, file(size))
        const ranges =
          selection.kind === 'single' ? [selection.range] : selection.kind === 'multi' ? selection.ranges : []
        const got = ranges.flatMap(({ start, end }) =>
          Array.from({ length: end - start + 1 }, (_, at) => start + at),
        )
        t.is(selection.kind === 'unsatisfiable', wanted.size === 0)
        t.deepEqual(
          [...got].sort((a, b) => a - b),
          [...wanted].sort((a, b) => a - b),
        )
      },
    ),
  )
})

test('several parts are framed as RFC 9110 §14.6 shows, in the length announced', async (t) => {
  const bytes = Buffer.from('0123456789')
  const ranges = [
    { start: 7, end: 9 },
    { start: 0, end: 1 },
  ]
  const parts = multipartRanges(ranges, bytes.length, 'text/plain')
  const get = async ({ start, end }: ByteRange) => Readable.from([bytes.subarray(start, end + 1)])
  const body = Buffer.concat(await Readable.from(parts.body(get)).toArray())
  const boundary = /^multipart\/byteranges; boundary=([0-9a-f]{32})$/.exec(parts.contentType)?.[1]
  t.is(
    body.toString(),
    `\r\n--${boundary}\r\nContent-Type: text/plain\r\nContent-Range: bytes 7-9/10\r\n\r\n789` +
      `\r\n--${boundary}\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-1/10\r\n\r\n01` +
      `\r\n--${boundary}--\r\n`,
  )
  t.is(parts.contentLength, body.length)
  t.is(rangeLength({ start: 7, end: 9 }), 3)
})

test('parts are opened one after the other, and a reader who leaves closes the open one', async (t) => {
  const opened: Readable[] = []
  const get = async () => {
    const part = Readable.from([Buffer.from('a'), Buffer.from('b')])
    opened.push(part)
    return part
  }
  const ranges = [
    { start: 0, end: 1 },
    { start: 4, end: 5 },
  ]
  let chunks = 0
  for await (const _ of multipartRanges(ranges, 10, 'text/plain').body(get)) if (++chunks === 2) break
  t.is(opened.length, 1)
  t.true(opened[0]?.destroyed)
})

test('a part that cannot be opened or read fails the body', async (t) => {
  const parts = multipartRanges([{ start: 0, end: 1 }], 10, 'text/plain')
  const drain = async (get: () => Promise<Readable>) => {
    for await (const _ of parts.body(get));
  }
  await t.throwsAsync(
    drain(async () => {
      throw new Error('gone')
    }),
    { message: 'gone' },
  )
  await t.throwsAsync(
    drain(
      async () =>
        new Readable({
          read() {
            this.destroy(new Error('broken'))
          },
        }),
    ),
    { message: 'broken' },
  )
})
