import test from 'ava'
import fc from 'fast-check'
import { TextBuffer } from '../../src/http/text-buffer.js'

test('the bytes are those of the pieces in turn, and each is found by where it ends, however small the room was', (t) => {
  const texts = fc.array(fc.string({ unit: 'binary', maxLength: 300 }), { size: 'large' })
  fc.assert(
    fc.property(texts, fc.nat(50), fc.nat(200), (pieces, room, taken) => {
      const text = new TextBuffer(room)
      pieces.forEach((piece, index) => {
        text.add(piece)
        if (index === taken) text.bytes()
      })
      const bytes = text.bytes()
      const ends = text.ends()
      const found = ends.map((end, index) => bytes.toString('utf8', ends[index - 1] ?? 0, end))
      t.deepEqual(found, pieces)
      t.is(bytes.length, ends.at(-1) ?? 0)
    }),
  )
})
