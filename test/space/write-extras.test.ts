import test, { type ExecutionContext } from 'ava'
import { type ErrorCode, SpaceError } from '../../src/space/errors.js'
import type { WriteRequest } from '../../src/space/operations.js'
import { at, blob, type TestSpace, TestTree } from '../support/space.js'

/** What a write may bring besides bytes: dead properties, and the right to happen only once. */

let tree: TestTree
test.before(async () => {
  tree = await TestTree.start()
})
test.after.always(() => tree.stop())

const NAME = '{urn:x}p'
const with_ = (value: string | null) => ({ properties: new Map([[NAME, value]]) })

function write({ spaces, op }: TestSpace, path: string, extra: Partial<WriteRequest>, size = 5) {
  return spaces.write(op, at(path), blob(size), { contentType: 'text/plain', ...extra })
}

async function valueAt({ spaces, op }: TestSpace, path: string): Promise<string | undefined> {
  const { entry } = await spaces.stat(op, at(path))
  const found = (await spaces.properties(op, [entry.id])).get(entry.id)?.get(NAME)
  if (!entry.hasProperties && found !== undefined) throw new Error(`${path} hides its properties`)
  return found
}

async function refusedAs(t: ExecutionContext, code: ErrorCode, run: Promise<unknown>) {
  const error = await t.throwsAsync(run, { instanceOf: SpaceError })
  t.is((error as SpaceError).code, code)
}

test('properties come with the write, in its one journal row', async (t) => {
  const space = await tree.space()
  await write(space, 'file', with_('<a/>'))
  t.is(await valueAt(space, 'file'), '<a/>')
  t.is((await space.journal()).length, 1)
  await write(space, 'file', {})
  t.is(await valueAt(space, 'file'), '<a/>', 'a write that says nothing of them keeps them')
  await write(space, 'file', with_('<b/>'))
  t.is(await valueAt(space, 'file'), '<b/>')
  await space.move('file', 'moved')
  t.is(await valueAt(space, 'moved'), '<b/>')
  const { entry } = await write(space, 'moved', with_(null))
  t.false(entry.hasProperties)
  t.is(await valueAt(space, 'moved'), undefined)
})

test('a refused write leaves the properties as they were; over 64 KiB is refused, before the bytes too', async (t) => {
  const space = await tree.space()
  await write(space, 'file', with_('<a/>'))
  await refusedAs(t, 'PRECONDITION_FAILED', write(space, 'file', { ...with_('<b/>'), ifNoneMatch: '*' }))
  const large = { contentType: 'text/plain', ...with_('x'.repeat(65_536)) }
  await refusedAs(t, 'BAD_REQUEST', write(space, 'file', large))
  await refusedAs(t, 'BAD_REQUEST', space.spaces.checkWrite(space.op, at('new/file'), large))
  await refusedAs(t, 'BAD_REQUEST', write(space, 'new/file', large))
  t.is(await valueAt(space, 'file'), '<a/>')
  t.deepEqual(await space.names(), ['file'])
})

test('a right to write once is used by the write that happens, and by no other', async (t) => {
  const space = await tree.space()
  const once = { once: { id: 'right', forMs: 60_000 } }
  await write(space, 'folder/file', {})
  await refusedAs(t, 'TYPE_CLASH', write(space, 'folder', once))
  await space.spaces.checkWrite(space.op, at('file'), { contentType: 'text/plain', ...once })
  await write(space, 'file', once)
  const { entry } = await space.stat('file')
  await refusedAs(t, 'USED', write(space, 'file', once))
  await refusedAs(
    t,
    'USED',
    space.spaces.checkWrite(space.op, at('file'), { contentType: 'text/plain', ...once }),
  )
  t.is((await space.stat('file')).entry.etag, entry.etag)
  await write(space, 'file', { once: { id: 'another', forMs: 60_000 } })
})

test('of writes that use one right at once, one happens', async (t) => {
  const space = await tree.space()
  const once = { once: { id: 'right', forMs: 60_000 } }
  const outcomes = await Promise.allSettled(
    Array.from({ length: 5 }, (_, i) => write(space, `file${i}`, once)),
  )
  t.is(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
  t.is((await space.names()).length, 1)
})
