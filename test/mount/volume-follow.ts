import type { ExecutionContext, TestFn } from 'ava'
import type { Batch, Cursor, Row, Volume } from '../../mount/volume.js'
import { recordKey } from '../../src/space/keys.js'
import { json, jsonBody } from '../support/http.js'
import { at, fails, key, type MakeMounted, type Mounted, put, until } from './support/volumes.js'

/** Follows in the background until the test ends. */
export function following(t: ExecutionContext, volume: Volume, since: Cursor) {
  const abort = new AbortController()
  const batches: Batch[] = []
  const ended = (async () => {
    for await (const batch of volume.follow(since, abort.signal)) batches.push(batch)
  })()
  ended.catch(() => undefined)
  t.teardown(() => abort.abort())
  const rows = (): Row[] => batches.flatMap((batch) => batch.rows)
  return { batches, rows, ended, stop: () => abort.abort() }
}

/** Every row once, in order. */
function isWhole(rows: readonly Row[], first: number): boolean {
  return rows.every(({ seq }, index) => seq === first + index)
}

/** What every `Volume` must do with the journal. Its heart beats every 50 ms or so in these tests. */
export function followConformance(test: TestFn, make: MakeMounted): void {
  const begin = async (t: ExecutionContext) => {
    const mounted = await make(t)
    return { ...mounted, cursor: (await mounted.volume.info()).cursor }
  }

  test('what others change comes by itself', async (t) => {
    const { volume, files, cursor } = await begin(t)
    const feed = following(t, volume, cursor)
    await until(() => feed.batches.length > 0)
    t.deepEqual(feed.rows(), [])
    const { etag } = await json(await files.post('a/f', { body: 'hello' }))
    await until(() => feed.rows().length === 2)
    await files.patch('a/f', jsonBody({ to: 'Ünï 日本.txt' }))
    await files.delete('a')
    await until(() => feed.rows().length === 4)
    t.deepEqual(feed.rows(), [
      { seq: 1, change: 'create', path: 'a', oldPath: null, kind: 'folder', etag: null, size: null },
      { seq: 2, change: 'create', path: 'a/f', oldPath: null, kind: 'file', etag, size: 5 },
      { seq: 3, change: 'move', path: 'Ünï 日本.txt', oldPath: 'a/f', kind: 'file', etag, size: 5 },
      { seq: 4, change: 'delete', path: 'a', oldPath: null, kind: 'folder', etag: null, size: null },
    ])
    t.is(feed.batches.at(-1)?.seq, 4)
  })

  test('from anywhere in the journal, and to its end at once', async (t) => {
    const { volume, cursor } = await begin(t)
    const { item } = await volume.mkdir(at('d'), key())
    for (let index = 0; index < 60; index++) await put(volume, `f${index}`, 'x', item.id)
    const feed = following(t, volume, { ...cursor, seq: 20 })
    await until(() => feed.batches.some(({ seq }) => seq === 61))
    t.true(isWhole(feed.rows(), 21))
  })

  test('thousands of rows come whole and in order, whoever else is at work', async (t) => {
    const { volume, server, owner, cursor } = await begin(t)
    const feed = following(t, volume, cursor)
    const { id } = await volume.info()
    const op = { space: id, caller: { accountId: owner.account.id }, limits: owner.account.plan }
    for (let from = 0; from < 3000; from += 300) {
      const made = Array.from({ length: 300 }, (_, index) => {
        const name = `grüße ${from + index}`
        return server.spaces.mkdir(op, { path: { names: [name], folded: [name] } })
      })
      await Promise.all(made)
    }
    await until(() => feed.rows().length >= 3000)
    t.true(isWhole(feed.rows(), 1))
    t.is(new Set(feed.rows().map(({ path }) => path)).size, 3000)
  })

  test('nothing new: empty batches tell that the server is there', async (t) => {
    const { volume, cursor } = await begin(t)
    await put(volume, 'f')
    const feed = following(t, volume, { ...cursor, seq: 1 })
    await until(() => feed.batches.length > 3)
    for (const batch of feed.batches) t.deepEqual(batch, { rows: [], seq: 1 })
  })

  test('ends quietly when nobody listens any more', async (t) => {
    const { volume, cursor } = await begin(t)
    const feed = following(t, volume, cursor)
    await until(() => feed.batches.length > 0)
    feed.stop()
    await feed.ended
    const before = new AbortController()
    before.abort()
    for await (const _ of volume.follow(cursor, before.signal)) t.fail()
    const leaving = volume.follow(cursor, new AbortController().signal)
    for await (const _ of leaving) break
    t.pass()
  })

  test('another journal than the one followed: at the beginning, and in the middle', async (t) => {
    const { volume, server, cursor } = await begin(t)
    const other = following(t, volume, { seq: 0, epoch: 'other' })
    const atOnce = await fails(t, 'EPOCH_GONE', other.ended)
    t.is(atOnce.details.epoch, cursor.epoch)
    const feed = following(t, volume, cursor)
    await put(volume, 'f')
    await until(() => feed.rows().length === 1)
    await changeEpoch({ volume, server } as Mounted)
    t.is((await fails(t, 'EPOCH_GONE', feed.ended)).details.epoch, 'next')
  })
}

/** As after a restored backup. */
async function changeEpoch({ volume, server }: Mounted): Promise<void> {
  const { id } = await volume.info()
  const redis = await server.redis.connect('epoch')
  await redis.hset(recordKey(id), 'epoch', 'next')
}
