import test from 'ava'
import fc from 'fast-check'
import {
  httpDate,
  isoDate,
  modifiedSince,
  parseHttpDate,
  parseMtime,
  parseTime,
  rowDate,
} from '../../src/http/dates.js'
import { refused } from '../support/refused.js'

const TIME = Date.UTC(2024, 10, 29, 9, 39, 33)

test('the three forms that are written', (t) => {
  t.is(rowDate(TIME + 7), 'Fri, 29 Nov 2024 09:39:33 UTC')
  t.is(httpDate(TIME + 7), 'Fri, 29 Nov 2024 09:39:33 GMT')
  t.is(isoDate(TIME + 7), '2024-11-29T09:39:33Z')
})

for (const value of [
  'Fri, 29 Nov 2024 09:39:33 GMT',
  'Fri, 29 Nov 2024 09:39:33 UTC',
  'fri, 29 nov 2024 09:39:33 gmt',
  'Friday, 29-Nov-24 09:39:33 GMT',
  'Fri Nov 29 09:39:33 2024',
]) {
  test(`${value} is read`, (t) => {
    t.is(parseHttpDate(value), TIME)
    t.is(parseTime('last_modified', value), TIME)
  })
}

test('other forms that a client may set a time in', (t) => {
  t.is(parseTime('x', '2024-11-29T09:39:33Z'), TIME)
  t.is(parseTime('x', '2024-11-29T10:39:33+01:00'), TIME)
  t.is(parseTime('x', '2024-11-29T09:39:33.250Z'), TIME + 250)
  t.is(parseTime('x', '0001-01-01T00:00:00Z'), Date.parse('0001-01-01T00:00:00Z'))
})

test('odd dates that are right', (t) => {
  t.is(parseHttpDate('Fri Nov  1 09:39:33 2024'), Date.UTC(2024, 10, 1, 9, 39, 33))
  t.is(parseHttpDate('Saturday, 31-Dec-16 23:59:60 GMT'), Date.UTC(2016, 11, 31, 23, 59, 59))
  t.is(parseHttpDate('Sunday, 06-Nov-94 08:49:37 GMT'), Date.UTC(1994, 10, 6, 8, 49, 37))
})

for (const value of [
  '',
  'yesterday',
  '1732873173',
  '2024-11-29',
  '2024-11-29T09:39:33',
  'Fri, 30 Feb 2024 09:39:33 GMT',
  'Fri, 29 Foo 2024 09:39:33 GMT',
  'Fri, 29 Nov 2024 24:39:33 GMT',
  'Fri, 29 Nov 2024 09:39:33 PST',
  '2024-02-30T00:00:00Z',
  '0000-01-01T00:00:00Z',
  '2024-11-29T09:39:33+99:00',
]) {
  test(`${JSON.stringify(value)} is no time`, (t) => {
    t.is(parseHttpDate(value), undefined)
    t.regex(
      refused(() => parseTime('last_modified', value)),
      /^last_modified is not a time .*: ".*"\.$/,
    )
  })
}

test('what is written reads back, to the second', (t) => {
  const times = fc.integer({
    min: Date.parse('0100-01-01T00:00:00Z'),
    max: Date.parse('9999-12-31T23:59:59Z'),
  })
  fc.assert(
    fc.property(times, (time) => {
      const second = Math.floor(time / 1000) * 1000
      return [rowDate, httpDate, isoDate].every((write) => parseTime('x', write(time)) === second)
    }),
  )
  t.pass()
})

test('X-OC-Mtime', (t) => {
  t.is(parseMtime('X-OC-Mtime', '1732873173'), TIME)
  t.is(parseMtime('X-OC-Mtime', '1732873173.25'), TIME + 250)
  t.is(parseMtime('X-OC-Mtime', '-1'), -1000)
  for (const value of ['', 'now', '1e9', '0x10', '1732873173000', '1 2', 'NaN']) {
    t.regex(
      refused(() => parseMtime('X-OC-Mtime', value)),
      /^The header X-OC-Mtime /,
    )
  }
})

test('If-Modified-Since counts in whole seconds, and is ignored where it is no date', (t) => {
  t.false(modifiedSince(httpDate(TIME), TIME))
  t.false(modifiedSince(httpDate(TIME), TIME + 999))
  t.true(modifiedSince(httpDate(TIME), TIME + 1000))
  t.is(modifiedSince('last week', TIME), undefined)
})
