import test from 'ava'
import { matches, parseConditions, parseEtags, quoted } from '../../src/http/etags.js'
import { refused } from '../support/refused.js'

const A = '5d41402abc4b2a76b9719d911017c592'
const B = '7d793037a0760186574b0282f2f435e7'

for (const [value, etags] of [
  ['*', '*'],
  [' * ', '*'],
  [`"${A}"`, [A]],
  [A, [A]],
  [`W/"${A}"`, [A]],
  [`W/${A}`, [A]],
  [`"${A}", ${B}`, [A, B]],
  [`W/"${A}",\tW/"${B}" ,`, [A, B]],
  [`, ,"${A}"`, [A]],
  ['"a,b"', ['a,b']],
  ['""', ['']],
  ['"*"', ['*']],
] as const) {
  test(`${JSON.stringify(value)} is read`, (t) => t.deepEqual(parseEtags('If-Match', value), etags))
}

for (const value of ['', ' ', ',', '"a', 'a"', '"a" "b"', 'a b', '"a", *', '*, "a"', '* *', '"a b"']) {
  test(`${JSON.stringify(value)} is refused by name`, (t) => {
    t.regex(
      refused(() => parseEtags('If-None-Match', value)),
      /^The header If-None-Match .*: ".*"\.$/,
    )
  })
}

test('both headers of a request', (t) => {
  t.deepEqual(parseConditions({}), {})
  t.deepEqual(parseConditions({ 'if-match': `"${A}"`, 'if-none-match': '*' }), {
    ifMatch: [A],
    ifNoneMatch: '*',
  })
})

test('what a list matches', (t) => {
  t.true(matches('*', A))
  t.false(matches('*', undefined))
  t.true(matches([B, A], A))
  t.false(matches([B], A))
  t.false(matches([B], undefined))
})

test('an etag is written quoted', (t) => t.is(quoted(A), `"${A}"`))

test('a long hostile list is read in one pass', (t) => {
  t.regex(
    refused(() => parseEtags('If-Match', `${' '.repeat(60_000)}"`)),
    /If-Match/,
  )
  t.is(parseEtags('If-Match', `"${A}",`.repeat(10_000)).length, 10_000)
})
