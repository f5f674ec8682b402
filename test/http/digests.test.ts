import { createHash } from 'node:crypto'
import test from 'ava'
import { expectedDigests } from '../../src/http/digests.js'
import { refused } from '../support/refused.js'

const BYTES = 'hello'
const hex = (hash: string, of = BYTES) => createHash(hash).update(of).digest('hex')
const base64 = (hash: string, of = BYTES) => createHash(hash).update(of).digest('base64')
const right = { md5: hex('md5'), sha256: hex('sha256'), sha512: hex('sha512') }
const wrong = { md5: hex('md5', 'x'), sha256: hex('sha256', 'x'), sha512: hex('sha512', 'x') }

for (const [header, value, algorithms] of [
  ['content-md5', base64('md5'), []],
  ['content-md5', ` ${base64('md5')} `, []],
  ['content-digest', `md5=:${base64('md5')}:`, []],
  ['content-digest', `sha-256=:${base64('sha256')}:`, ['sha256']],
  ['content-digest', `sha-256=:${base64('sha256').replace('=', '')}:`, ['sha256']],
  ['repr-digest', `sha-512=:${base64('sha512')}:`, ['sha512']],
  [
    'repr-digest',
    `sha-256=:${base64('sha256')}:;q=0.5;note="a, b",\tsha-512=:${base64('sha512')}:`,
    ['sha256', 'sha512'],
  ],
  ['repr-digest', `unixsum=:AAA=:, constructor=:AA==:, sha-256=:${base64('sha256')}:`, ['sha256']],
  ['repr-digest', `sha-256=:${base64('sha256', 'x')}:, sha-256=:${base64('sha256')}:`, ['sha256']],
] as const) {
  test(`${header}: ${JSON.stringify(value)} is computed and compared`, (t) => {
    const expected = expectedDigests({ [header]: value })
    t.deepEqual(expected.algorithms, algorithms)
    t.notThrows(() => expected.verify(right))
    t.regex(
      refused(() => expected.verify(wrong), 'BAD_DIGEST'),
      new RegExp(`received is [0-9a-f]+, and ${header} announced`, 'i'),
    )
    refused(() => expected.verify({}), 'BAD_DIGEST')
  })
}

test('no header, or only unknown algorithms: nothing to check', (t) => {
  for (const headers of [{}, { 'repr-digest': 'crc32c=:AAAAAA==:' }, { 'content-digest': '' }]) {
    const expected = expectedDigests(headers)
    t.deepEqual(expected.algorithms, [])
    t.notThrows(() => expected.verify(wrong))
  }
})

test('every header counts', (t) => {
  const expected = expectedDigests({
    'content-md5': base64('md5'),
    'content-digest': `sha-256=:${base64('sha256')}:`,
    'repr-digest': `sha-256=:${base64('sha256', 'x')}:`,
  })
  t.deepEqual(expected.algorithms, ['sha256'])
  t.regex(
    refused(() => expected.verify(right), 'BAD_DIGEST'),
    /Repr-Digest announced/,
  )
})

for (const [header, value] of [
  ['Content-MD5', ''],
  ['Content-MD5', 'hello'],
  ['Content-MD5', hex('md5')],
  ['Content-MD5', `${base64('md5')}, ${base64('md5')}`],
  ['Content-MD5', base64('sha256')],
  ['Content-Digest', 'sha-256'],
  ['Content-Digest', `sha-256=${base64('sha256')}`],
  ['Content-Digest', `sha-256="${base64('sha256')}"`],
  ['Content-Digest', `SHA-256=:${base64('sha256')}:`],
  ['Content-Digest', 'sha-256=:AAAA:'],
  ['Content-Digest', 'sha-256=:!!!!:'],
  ['Content-Digest', `sha-256=:${base64('sha256')}:,`],
  ['Repr-Digest', `sha-256=:${base64('sha256')}: md5=:${base64('md5')}:`],
  ['Repr-Digest', 'unknown=1'],
  ['Repr-Digest', `sha-512=:${base64('sha256')}:`],
] as const) {
  test(`${header}: ${value} is refused by name`, (t) => {
    t.regex(
      refused(() => expectedDigests({ [header.toLowerCase()]: value })),
      new RegExp(`^The header ${header} is not `),
    )
  })
}
