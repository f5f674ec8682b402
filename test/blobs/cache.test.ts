import test from 'ava'
import { BlobCache } from '../../src/blobs/cache.js'

test('what was kept comes back in parts, and nothing beyond what was kept', (t) => {
  const cache = new BlobCache(10_000)
  cache.set('a', Buffer.from('0123456789'))
  t.is(cache.get('a', 0, 9)?.toString(), '0123456789')
  t.is(cache.get('a', 3, 4)?.toString(), '34')
  t.is(cache.get('a', 0, 10), undefined)
  t.is(cache.get('b', 0, 0), undefined)
})

test('the longest unused go first when the room is used up', (t) => {
  const cache = new BlobCache(10_000)
  for (const key of ['a', 'b', 'c']) cache.set(key, Buffer.alloc(3000))
  cache.get('a', 0, 0)
  cache.set('d', Buffer.alloc(3000))
  t.deepEqual(
    ['a', 'b', 'c', 'd'].filter((key) => cache.get(key, 0, 0)),
    ['a', 'c', 'd'],
  )
})

test('what is over the whole room is not kept, and drives nothing out', (t) => {
  const cache = new BlobCache(1000)
  cache.set('a', Buffer.alloc(100))
  cache.set('b', Buffer.alloc(1000))
  t.truthy(cache.get('a', 0, 0))
  t.is(cache.get('b', 0, 0), undefined)
  const none = new BlobCache(0)
  none.set('a', Buffer.alloc(0))
  t.is(none.get('a', 0, 0), undefined)
})

test('setting again and deleting give the room back', (t) => {
  const cache = new BlobCache(10_000)
  for (let n = 0; n < 100; n++) cache.set('a', Buffer.alloc(5000, n))
  cache.set('b', Buffer.alloc(4000))
  t.is(cache.get('a', 0, 0)?.[0], 99)
  cache.delete('a')
  cache.delete('a')
  cache.set('c', Buffer.alloc(5000))
  t.truthy(cache.get('b', 0, 0))
  t.truthy(cache.get('c', 0, 0))
})
