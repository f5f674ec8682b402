/** The protocol's parts, without a kernel. */
import { closeSync, openSync, writeSync } from 'node:fs'
import test from 'ava'
import { ANSWER_HEADER, ENTRY, writeEntry } from '../../mount/fuse/protocol/answers.js'
import { initAnswer } from '../../mount/fuse/protocol/init.js'
import { Listing } from '../../mount/fuse/protocol/listing.js'
import { readLong, writeLong } from '../../mount/fuse/protocol/numbers.js'
import { KernelRequest } from '../../mount/fuse/protocol/request.js'
import { Device } from '../../mount/fuse/server/device.js'
import { type KernelNode, NodeTable, ROOT_ID } from '../../mount/fuse/server/node-table.js'
import { pipeClass } from '../../mount/fuse/server/pipe.js'
import { tempFolder } from '../support/folder.js'
import { runProgram } from '../support/programs.js'
import { until } from './support/mounted.js'

const OWNER = { uid: 7, gid: 8, umask: 0o022 }

/** What the kernel refuses itself: a folder moved into what is in it. */
function isBelow(folder: KernelNode | undefined, other: KernelNode | undefined): boolean {
  return folder !== undefined && (folder === other || isBelow(folder.parent, other))
}

/** A request with these words after its header. */
function requestOf(...words: number[]): KernelRequest {
  const bytes = Buffer.alloc(40 + 4 * words.length)
  for (const [i, word] of words.entries()) bytes.writeUInt32LE(word >>> 0, 40 + 4 * i)
  return new KernelRequest(bytes)
}

test('64 bits come and go, also negative ones', (t) => {
  const bytes = Buffer.alloc(8)
  for (const value of [0, 1, 2 ** 32, 2 ** 53 - 1, -1, -(2 ** 33) - 5]) {
    writeLong(bytes, value, 0)
    t.is(readLong(bytes, 0), value)
    t.is(bytes.readBigInt64LE(0), BigInt(value))
  }
})

test('of what the kernel offers only what we want is taken, and no more than it offers', (t) => {
  const all = initAnswer(requestOf(7, 45, 131072, -1))
  t.is(all?.length, ANSWER_HEADER + 64)
  const body = all?.subarray(ANSWER_HEADER) ?? Buffer.alloc(0)
  t.deepEqual([body.readUInt32LE(0), body.readUInt32LE(4), body.readUInt32LE(8)], [7, 31, 131072])
  t.is(body.readUInt32LE(12) & (1 << 16), 0, 'no writing back by the kernel')
  t.is(body.readUInt32LE(12) & ((1 << 1) | (1 << 10)), 0, 'locks stay the kernel’s')
  const few = initAnswer(requestOf(7, 29, 4096, (1 << 5) | (1 << 16)))
  t.is(few?.readUInt32LE(ANSWER_HEADER + 4), 29)
  t.is(few?.readUInt32LE(ANSWER_HEADER + 12), 1 << 5)
  t.is(initAnswer(requestOf(7, 12, 4096, -1)), undefined)
  t.is(initAnswer(requestOf(8, 0, 4096, -1)), undefined)
})

test('a name that is no UTF-8 is known from one that has the replacement sign in it', (t) => {
  const nameOf = (name: Buffer) =>
    new KernelRequest(Buffer.concat([Buffer.alloc(40), name, Buffer.alloc(1)])).name(0)
  t.deepEqual(nameOf(Buffer.from('é')), { text: 'é', isValid: true, next: 3 })
  t.true(nameOf(Buffer.from('a\uFFFD')).isValid)
  t.false(nameOf(Buffer.from([0x61, 0xff])).isValid)
})

test('an entry has id, times and type, also of a file from before 1970', (t) => {
  const bytes = Buffer.alloc(ENTRY)
  const attributes = {
    ...({ kind: 'file', size: 2 ** 33 + 1, modified: -1500, created: 0 } as const),
    ...{ executable: true, writable: true },
  }
  const node = { id: 5, attributes, isNamed: true, isOpen: false, seconds: 1.5 }
  writeEntry(bytes, 0, node, OWNER)
  const believed = () => [16, 24].map((at, i) => [readLong(bytes, at), bytes.readUInt32LE(32 + 4 * i)])
  t.is(readLong(bytes, 0), 5)
  t.deepEqual(believed(), Array(2).fill([1, 500_000_000]))
  t.deepEqual([readLong(bytes, 40), readLong(bytes, 48)], [5, 2 ** 33 + 1])
  t.deepEqual([readLong(bytes, 72), bytes.readUInt32LE(92)], [-2, 500_000_000])
  t.deepEqual([bytes.readUInt32LE(100), bytes.readUInt32LE(104)], [0o100755, 1])
  writeEntry(bytes, 0, { ...node, isOpen: true }, OWNER)
  t.deepEqual(
    believed(),
    [
      [1, 500_000_000],
      [0, 0],
    ],
    'what is open may be written to',
  )
})

test('a listing takes what there is room for, each entry at a multiple of eight', (t) => {
  const listing = new Listing(80, false)
  for (const [i, name] of ['a', 'bcdefghij'].entries()) {
    t.true(listing.fits(name.length))
    listing.add(name, name.length, 'file', { id: undefined, next: i + 1 })
  }
  t.is(listing.end, ANSWER_HEADER + 32 + 40)
  t.false(listing.fits(1))
})

test('a node lives while the kernel knows it or something in it, and its id is never used again', (t) => {
  const table = new NodeTable()
  const d = table.told(table.root, 'd', 'folder')
  const a = table.told(d, 'a', 'file')
  t.is(table.told(d, 'a', 'file'), a)
  t.is(table.pathOf(a), '/d/a')
  t.is(table.find('/d/a'), a)
  table.forget(d.id, 1)
  t.is(table.size, 3)
  table.forget(a.id, 1)
  t.is(table.size, 3)
  table.forget(a.id, 1)
  t.is(table.size, 1)
  t.true(table.told(table.root, 'd', 'folder').id > a.id)
  table.forget(ROOT_ID, 1)
  t.is(table.pathOf(table.root), '/')
})

test('who is removed, replaced or another kind of thing loses the name, and lives on', (t) => {
  const table = new NodeTable()
  const a = table.told(table.root, 'a', 'file')
  t.is(table.unlink(table.root, 'a'), a)
  t.is(table.pathOf(a), undefined)
  t.is(table.get(a.id), a)
  const next = table.told(table.root, 'a', 'file')
  t.not(next.id, a.id)
  const folder = table.told(table.root, 'a', 'folder')
  t.is(table.pathOf(next), undefined)
  t.is(table.find('/a'), folder)
  t.is(table.detachFile('/a'), 0)
  table.rename(table.root, 'none', table.root, 'a')
  t.is(table.pathOf(folder), undefined)
  for (const node of [a, next, folder]) table.forget(node.id, 1)
  t.is(table.size, 1)
})

test('a folder that is moved takes the paths of what is in it along; one that goes takes them away', (t) => {
  const table = new NodeTable()
  const d = table.told(table.root, 'd', 'folder')
  const e = table.told(d, 'e', 'folder')
  const a = table.told(e, 'a', 'file')
  t.is(table.pathOf(a), '/d/e/a')
  const x = table.told(table.root, 'x', 'folder')
  table.rename(table.root, 'd', x, 'y')
  t.is(table.pathOf(a), '/x/y/e/a')
  t.is(table.find('/d'), undefined)
  table.rename(e, 'a', x, 'b')
  t.is(table.pathOf(a), '/x/b')
  table.rename(x, 'b', x, 'b')
  t.is(table.pathOf(a), '/x/b')
  const c = table.told(e, 'c', 'file')
  t.is(table.pathOf(c), '/x/y/e/c')
  table.unlink(x, 'y')
  t.is(table.pathOf(c), undefined)
  for (const node of [d, e, a, x, c]) table.forget(node.id, 1)
  t.is(table.size, 1)
})

test('random changes leave nothing behind when all is forgotten', (t) => {
  const table = new NodeTable()
  let state = 7
  const random = (below: number) => {
    state = (state * 1103515245 + 12345) % 2 ** 31
    return state % below
  }
  const told: number[] = []
  for (let i = 0; i < 20_000; i++) {
    const folder = table.get(told[random(told.length + 1)] ?? ROOT_ID) ?? table.root
    const name = `n${random(5)}`
    const step = random(6)
    if (step < 2 && folder.kind === 'folder')
      told.push(table.told(folder, name, random(2) ? 'file' : 'folder').id)
    else if (step === 2) table.unlink(folder, name)
    else if (step === 3 && folder.kind === 'folder' && !isBelow(folder, table.find(`/${name}`)))
      table.rename(table.root, name, folder, `m${random(5)}`)
    else if (step > 3 && told.length > 0) table.forget(told.splice(random(told.length), 1)[0] ?? 0, 1)
  }
  for (const id of told) table.forget(id, 1)
  t.is(table.size, 1)
})

for (const [way, pipe] of [
  ['in the event loop', pipeClass()],
  ['by a thread of the pool', null],
] as const) {
  test.serial(`the device is read ${way}; what is kept is not written over`, async (t) => {
    const path = `${tempFolder(t)}/fifo`
    await runProgram('mkfifo', [path])
    const writer = openSync(path, 'r+')
    const seen: Buffer[] = []
    let isOver = false
    let free = () => {}
    const device = new Device(openSync(path, 'r+'), {
      request: (bytes) => {
        seen.push(bytes)
        free = device.keep()
      },
      ended: () => {
        isOver = true
      },
      refused: (error) => t.fail(error.message),
    })
    device.start(pipe)
    for (const [i, text] of ['one', 'two', 'three'].entries()) {
      writeSync(writer, text)
      await until(() => seen.length > i, 'it is read')
    }
    t.deepEqual(seen.map(String), ['one', 'two', 'three'])
    free()
    device.close()
    t.true(isOver)
    t.false(device.write(Buffer.from('late')))
    writeSync(writer, 'end')
    closeSync(writer)
  })
}
