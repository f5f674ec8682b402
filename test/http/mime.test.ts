import test from 'ava'
import { contentType } from '../../src/http/mime.js'
import { refused } from '../support/refused.js'

for (const [declared, name, expected] of [
  ['text/csv', 'a.bin', 'text/csv'],
  ['Text/CSV; charset=utf-8', 'a.bin', 'Text/CSV; charset=utf-8'],
  [' application/vnd.x+json;a="b; \\" c" ;', 'a', 'application/vnd.x+json;a="b; \\" c" ;'],
  [undefined, 'q1.csv', 'text/csv'],
  ['', 'Q1.CSV', 'text/csv'],
  ['application/octet-stream', 'photo.JPEG', 'image/jpeg'],
  ['Application/Octet-Stream; x=y', 'a.json', 'application/json'],
  ['application/x-www-form-urlencoded', 'a.tar.gz', 'application/gzip'],
  ['application/x-www-form-urlencoded; charset=utf-8', 'README', 'application/octet-stream'],
  [undefined, 'json', 'application/octet-stream'],
  [undefined, '.json', 'application/octet-stream'],
  [undefined, 'a.nothing-knows-this', 'application/octet-stream'],
  ['application/octet-stream', 'a', 'application/octet-stream'],
] as const) {
  test(`${declared} for ${name} is ${expected}`, (t) => t.is(contentType(declared, name), expected))
}

for (const declared of [
  'text',
  'text/',
  '/csv',
  'text/csv/x',
  'text/csv charset',
  'text/csv; charset',
  'text/csv; charset=',
  'text/csv; a="b',
  'text/csv, text/html',
  'text/c\u00e9',
  'text/csv\u0000',
  'text/csv;\u007fa=b',
  'text/csv;\ta=b\r\nX: y',
  `text/${'x'.repeat(251)}`,
  `text/x${'; '.repeat(120)}!`,
]) {
  test(`${JSON.stringify(declared).slice(0, 50)} is refused by name`, (t) => {
    const message = refused(() => contentType(declared, 'a.csv'))
    t.regex(message, /^The header Content-Type is not a media type/)
    t.notRegex(message, /\p{Cc}/u)
  })
}

test('255 bytes are allowed', (t) => {
  const longest = `text/${'x'.repeat(250)}`
  t.is(contentType(longest, 'a'), longest)
})
