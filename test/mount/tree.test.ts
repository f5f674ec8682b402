import test from 'ava'
import { attach, FileNode, FolderNode } from '../../mount/engine/nodes.js'
import type { Takeback } from '../../mount/engine/takeback.js'
import { Tree } from '../../mount/engine/tree.js'
import type { Changed, Item, Volume } from '../../mount/volume.js'
import { SpaceError } from '../../src/space/errors.js'

/** What a mount believes of the space while answers and journal overtake each other. */

const ITEM: Item = {
  ...{ id: 1, kind: 'file', name: 'a', size: 1, etag: 'e1' },
  ...{ created: 0, modified: 0, executable: false, md5: '' },
}
const ROOT: Item = { ...ITEM, id: 0, kind: 'folder', name: '' }
const TAKEBACK = { changed() {}, unlinked() {} } as unknown as Takeback

test('a name that was gone when it was looked up, and came back before the answer did, is looked up again', async (t) => {
  const again: Changed = { item: { ...ITEM, id: 2, etag: 'e2' }, seq: 7 }
  const node = new FileNode('a', 3, ITEM)
  const asked: string[] = []
  const volume = {
    stat: async ({ path }: { path: string }) => {
      asked.push(path)
      if (asked.length > 1) return again
      // The row of the new file comes before the answer.
      node.changed(7)
      throw new SpaceError('NOT_FOUND', 'There is no "a".')
    },
  } as unknown as Volume
  const tree = new Tree(volume, TAKEBACK, { item: ROOT, seq: 3 })
  attach(tree.root, node, 'a')
  node.changed(5)
  const found = await tree.fresh(node)
  t.deepEqual(asked, ['a', 'a'])
  t.is(found?.item?.id, 2)
  t.is(tree.root.child('a'), found)
})

test('a name that is gone, and of which no row tells anything newer, is gone', async (t) => {
  const volume = {
    stat: () => Promise.reject(new SpaceError('NOT_FOUND', 'There is no "a".')),
  } as unknown as Volume
  const tree = new Tree(volume, TAKEBACK, { item: ROOT, seq: 3 })
  const node = new FileNode('a', 3, ITEM)
  attach(tree.root, node, 'a')
  node.changed(5)
  t.is(await tree.fresh(node), undefined)
  t.is(tree.root.child('a'), undefined)
})

for (const isListed of [false, true]) {
  const how = isListed ? 'listed' : 'asked for'
  test(`a folder that another has taken the place of, ${how} before the journal says so, is the other one`, async (t) => {
    const folder = (id: number): Item => ({ ...ROOT, id, name: 'd' })
    const other: Changed = { item: folder(2), seq: 7 }
    const gone: string[] = []
    const volume = {
      stat: async ({ path }: { path: string }) => {
        if (path === 'd') return other
        throw new SpaceError('NOT_FOUND', `There is no "${path}".`)
      },
      list: async ({ base }: { base: number }) =>
        base === 0
          ? { folder: ROOT, items: [other.item], seq: 7 }
          : { folder: other.item, items: [], seq: 7 },
    } as unknown as Volume
    const takeback = { changed() {}, unlinked: ({ path }: { path: string }) => void gone.push(path) }
    const tree = new Tree(volume, takeback as unknown as Takeback, { item: ROOT, seq: 3 })
    const before = new FolderNode('d', 3, folder(1))
    attach(tree.root, before, 'd')
    attach(before, new FileNode('a', 3, ITEM), 'a')
    before.complete = true
    // A row about the one that was there.
    before.changed(5)
    if (isListed) await tree.load(tree.root)
    const found = await tree.fresh(await tree.get('/d'))
    t.is(found?.item?.id, 2)
    t.is(await tree.find('/d/a'), undefined)
    t.deepEqual(gone, ['d'])
  })
}

for (const isThere of [true, false]) {
  const answer = isThere ? 'there' : 'gone'
  test(`what is moved here while the server says that its old name is ${answer} is asked for by its new one`, async (t) => {
    const node = new FileNode('a', 3, ITEM)
    const asked: string[] = []
    const volume = {
      stat: async ({ path }: { path: string }) => {
        asked.push(path)
        if (asked.length > 1) return { item: { ...ITEM, name: 'b', etag: 'e2' }, seq: 8 }
        attach(tree.root, node, 'b')
        if (isThere) return { item: ITEM, seq: 5 }
        throw new SpaceError('NOT_FOUND', 'There is no "a".')
      },
    } as unknown as Volume
    const tree = new Tree(volume, TAKEBACK, { item: ROOT, seq: 3 })
    attach(tree.root, node, 'a')
    node.changed(5)
    t.is(await tree.fresh(node), node)
    t.deepEqual(asked, ['a', 'b'])
    t.deepEqual([...tree.root.children.values()], [node])
    t.is(node.item?.etag, 'e2')
  })
}
