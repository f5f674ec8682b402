import test from 'ava'
import { MemoryShare } from '../../src/blobs/share.js'

test('the fewer there are the more each has, between the bounds', (t) => {
  const share = new MemoryShare(100, 10, 40)
  t.is(share.bytes, 40)
  const leave = Array.from({ length: 4 }, () => share.enter())
  t.is(share.bytes, 25)
  leave.push(...Array.from({ length: 16 }, () => share.enter()))
  t.is(share.bytes, 10)
  for (const go of leave) {
    go()
    go()
  }
  t.is(share.bytes, 40)
})
