import test from 'ava'
import fc from 'fast-check'
import { attachment } from '../../src/http/disposition.js'

for (const [name, expected] of [
  ['q1.csv', 'attachment; filename="q1.csv"'],
  ["it's; a (test).txt", `attachment; filename="it's; a (test).txt"`],
  ['100%.txt', `attachment; filename="100_.txt"; filename*=UTF-8''100%25.txt`],
  ['naïve.txt', `attachment; filename="na_ve.txt"; filename*=UTF-8''na%C3%AFve.txt`],
  ['🎉 (1).png', `attachment; filename="_ (1).png"; filename*=UTF-8''%F0%9F%8E%89%20%281%29.png`],
  ['a"b\\c\r\nX: y', `attachment; filename="a_b_c__X: y"; filename*=UTF-8''a%22b%5Cc%0D%0AX%3A%20y`],
] as const) {
  test(`${JSON.stringify(name)} is announced`, (t) => t.is(attachment(name), expected))
}

test('the extended value decodes to the name, and the header is printable ASCII', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (name) => {
      const header = attachment(name)
      const extended = header.split("filename*=UTF-8''")[1]
      t.regex(header, /^[ -~]*$/)
      t.is(extended === undefined ? header.slice(22, -1) : decodeURIComponent(extended), name)
    }),
  )
})
