import test from 'ava'
import { elementsOf, innerXml, textOf, toFragment } from '../../src/webdav/xml/element.js'
import { encodeSegment, escapeAttribute, escapeText } from '../../src/webdav/xml/escape.js'
import { parseXml } from '../../src/webdav/xml/parse.js'
import { refused } from '../support/refused.js'

const parse = (text: string) => parseXml(Buffer.from(text))

test('UTF-8 and UTF-16 are read, with or without a mark', (t) => {
  const text = '<a>é☃</a>'
  t.is(textOf(parse(text)), 'é☃')
  t.is(textOf(parse(`\ufeff${text}`)), 'é☃')
  const little = Buffer.from(`\ufeff${text}`, 'utf16le')
  t.is(textOf(parseXml(little)), 'é☃')
  t.is(textOf(parseXml(Buffer.from(little).swap16())), 'é☃')
})

for (const [what, body] of [
  ['nothing', ''],
  ['white space', ' \n'],
  ['text', 'hello'],
  ['an unclosed element', '<a><b></a>'],
  ['two roots', '<a/><b/>'],
  ['an unknown entity', '<a>&nbsp;</a>'],
  ['an unbound prefix', '<p:a/>'],
  ['an unbound prefix of an attribute', '<a p:b="1"/>'],
  ['a prefix bound to nothing', '<p:a xmlns:p=""/>'],
  ['a prefix that objects have', '<toString:a/>'],
  ['the prefix __proto__', '<__proto__:a/>'],
  ['an attribute twice', '<a b="1" b="2"/>'],
  ['an attribute twice by namespace', '<a xmlns:p="u" xmlns:q="u" p:b="1" q:b="2"/>'],
  ['a document type', '<!DOCTYPE a><a/>'],
  ['an external entity', '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'],
  ['a billion laughs', `<!DOCTYPE a [<!ENTITY a "lol"><!ENTITY b "${'&a;'.repeat(100)}">]><a>&b;</a>`],
  ['a character that XML forbids', '<a>\u0001</a>'],
  ['the same, escaped', '<a>&#1;</a>'],
  ['half a surrogate pair', '<a>&#xd800;</a>'],
  ['bytes that are not UTF-8', Buffer.from([0x3c, 0x61, 0x3e, 0xff, 0x3c, 0x2f, 0x61, 0x3e])],
  ['too many elements', `<a>${'<b/>'.repeat(2000)}</a>`],
  ['too deep a nest', '<a>'.repeat(101) + '</a>'.repeat(101)],
  ['ten thousand levels', '<a>'.repeat(10_000)],
  ['an endless tag', `<a ${Array.from({ length: 40_000 }, (_, i) => `b${i}=""`).join(' ')}/>`],
  ['an endless name', `<${'a'.repeat(500_000)}/>`],
  ['an endless value', `<a b="${'x'.repeat(500_000)}"/>`],
] as const) {
  test(`${what} is refused`, (t) => {
    t.regex(
      refused(() => parseXml(Buffer.from(body))),
      /^The XML body is refused: .*\.$/s,
    )
  })
}

test('what is within the limits is read', (t) => {
  t.is(elementsOf(parse(`<a>${'<b/>'.repeat(1999)}</a>`)).length, 1999)
  t.is(textOf(parse(`${'<a>'.repeat(100)}x${'</a>'.repeat(100)}`)), 'x')
  t.is(textOf(parse(`<a>${'x'.repeat(1_000_000)}</a>`)).length, 1_000_000)
})

test('a fragment stands by itself: its own and inherited namespaces, its language', (t) => {
  const root = parse(
    '<D:r xmlns:D="DAV:" xmlns:p="urn:p" xmlns:unused="urn:u" xmlns="urn:d" xml:lang="de">' +
      '<p:a D:k="&quot;1&quot;"><b/>p:q<c xmlns="">&lt;</c></p:a></D:r>',
  )
  const [element] = elementsOf(root)
  if (!element) throw new Error('no element')
  const xml = toFragment(element)
  t.is(
    xml,
    '<p:a xmlns:D="DAV:" xmlns:p="urn:p" xmlns="urn:d" xml:lang="de" D:k="&quot;1&quot;"><b/>p:q<c xmlns="">&lt;</c></p:a>',
  )
  const again = parse(xml)
  t.is(innerXml(again), innerXml(element))
  t.like(again, { uri: 'urn:p', local: 'a', lang: 'de' })
})

test('text and attributes survive being written and read', (t) => {
  const text = ' &<>"\'\r\n\t]]> é '
  const back = parse(`<a b="${escapeAttribute(text)}">${escapeText(text)}</a>`)
  t.is(textOf(back), text)
  t.is(back.attributes[0]?.value, text)
})

test('segments of hrefs hold unreserved characters and escapes only', (t) => {
  t.is(encodeSegment('Az09-._~'), 'Az09-._~')
  t.is(
    encodeSegment("a b#?%&+;=@:,!'()*[]é/"),
    'a%20b%23%3F%25%26%2B%3B%3D%40%3A%2C%21%27%28%29%2A%5B%5D%C3%A9%2F',
  )
})
