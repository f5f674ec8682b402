import test from 'ava'
import fc from 'fast-check'
import { TextBuffer } from '../../src/http/text-buffer.js'

test('the bytes are those of the pieces in turn, however small the room was', (t) => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 300 })), fc.nat(50), (pieces, room) => {
      const text = new TextBuffer(room)
      for (const piece of pieces) text.add(piece)
      t.true(text.bytes().equals(Buffer.concat(pieces.map((piece) => Buffer.from(piece)))))
    }),
  )
})
