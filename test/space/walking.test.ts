import test from 'ava'
import { at, type TestSpace, TestTree } from '../support/space.js'

let tree: TestTree
test.before(async () => {
  tree = await TestTree.start()
})
test.after.always(() => tree.stop())

async function fill(space: TestSpace, path: (index: number) => string, count: number): Promise<void> {
  for (let from = 0; from < count; from += 100) {
    await Promise.all(Array.from({ length: 100 }, (_, i) => space.write(path(from + i), 1)))
  }
}

/** All paths of a recursive listing; parents must come before their children. */
async function pathsBelow(space: TestSpace, path = '') {
  const { batches, exact, mark, folder } = await space.spaces.tree(space.op, at(path))
  const paths = new Set<string>()
  for await (const batch of batches) {
    for (const entry of batch) {
      const parent = entry.path.slice(0, Math.max(0, entry.path.lastIndexOf('/')))
      if (parent !== folder.path && !paths.has(parent))
        throw new Error(`${entry.path} came before its folder`)
      paths.add(entry.path)
    }
  }
  return { paths, exact, mark }
}

test('trees of any shape and size are listed whole, and up to 10,000 entries exactly', async (t) => {
  const space = await tree.space()
  const shapes: Record<string, (index: number) => string> = {
    flat: (i) => `flat/${i}`,
    wide: (i) => `wide/${i % 700}/${i}`,
    mixed: (i) => `mixed/${i % 3 === 0 ? `${i}/in` : i}`,
  }
  for (const [name, path] of Object.entries(shapes)) {
    await fill(space, path, 3000)
    const { paths, exact } = await pathsBelow(space, name)
    t.true(exact)
    t.true(Array.from({ length: 3000 }, (_, i) => path(i)).every((file) => paths.has(file)))
    const { entry } = await space.stat(name)
    t.is(paths.size, entry.kind === 'folder' ? entry.entries : 0)
  }
  const { paths, exact } = await pathsBelow(space)
  t.false(exact)
  t.deepEqual([...paths].sort(), [...(await space.replay()).keys()].sort())
})

test('a tree that is listed exactly is that of one instant, whatever goes on in it', async (t) => {
  const space = await tree.space()
  await fill(space, (i) => `t/${i % 40}/${i}`, 3000)
  await space.write('t/wanderer')
  let stop = false
  const wander = async () => {
    for (let i = 0, from = 't/wanderer'; !stop; i++) {
      const to = `t/${(i * 17) % 40}/wanderer`
      await space.move(from, to)
      from = to
    }
  }
  const wandering = wander()
  try {
    for (let run = 0; run < 10; run++) {
      const { paths, exact, mark } = await pathsBelow(space, 't')
      t.true(exact)
      t.is(paths.size, 3041)
      const then = await space.replay(mark.seq)
      t.deepEqual(
        [...paths].filter((path) => !then.has(path)),
        [],
      )
    }
  } finally {
    stop = true
    await wandering
  }
})
