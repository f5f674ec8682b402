/** What is said to the system, and heard from it, that needs no mount. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import type { Errno } from '../../mount/filesystem.js'
import { FileSystemError } from '../../mount/filesystem.js'
import { errnoNumber, errnoOf } from '../../mount/fuse/errno.js'
import { statfsWords, statWords } from '../../mount/fuse/macos/words.js'
import { canonical, readyMountPoint } from '../../mount/fuse/mount-point.js'
import { parseMountInfo, parseMountList } from '../../mount/fuse/mounts.js'
import { type KernelOptions, optionString } from '../../mount/fuse/options.js'
import { invalidateEntry, invalidateInode } from '../../mount/fuse/protocol/notifications.js'
import { Requests } from '../../mount/fuse/requests.js'
import { statisticsOf } from '../../mount/fuse/stat.js'
import { silentLog } from '../../src/log.js'
import { tempFolder } from '../support/folder.js'
import { until } from './support/mounted.js'

const OPTIONS: KernelOptions = {
  name: 'notes',
  readOnly: false,
  allowOther: false,
  checkModes: false,
  nonEmpty: false,
}

test('the kernel is told no more than was asked for', (t) => {
  t.is(optionString(OPTIONS, 'linux'), '-ofsname=novem-spaces:notes,subtype=novem-spaces')
})

test('flags become options, and a name cannot', (t) => {
  const options = {
    ...OPTIONS,
    name: '@ann~a,allow_root',
    readOnly: true,
    allowOther: true,
    checkModes: true,
    nonEmpty: true,
  }
  const list = optionString(options, 'linux').replace('-o', '').split(',')
  for (const option of ['ro', 'allow_other', 'nonempty', 'default_permissions'])
    t.true(list.includes(option), option)
  t.true(list.includes('fsname=novem-spaces:@ann~a_allow_root'))
})

test('on macOS Finder sees a volume with a name, and leaves nothing behind', (t) => {
  const list = optionString(OPTIONS, 'darwin').replace('-o', '').split(',')
  for (const option of ['volname=notes', 'noappledouble', 'noapplexattr', 'auto_cache', 'atomic_o_trunc']) {
    t.true(list.includes(option), option)
  }
  t.false(list.includes('big_writes') || list.some((option) => option.startsWith('subtype')))
})

test('options that do not fit into fuse-native’s memory are refused', (t) => {
  t.throws(() => optionString({ ...OPTIONS, name: 'n'.repeat(980) }, 'linux'), {
    message: /^The mount's options have \d+ bytes and may have 1000/,
  })
})

test('every error has this system’s number', (t) => {
  const numbers: Partial<Record<Errno, number>> =
    process.platform === 'linux'
      ? { ENOENT: -2, EHOSTDOWN: -112, EDQUOT: -122, EOPNOTSUPP: -95, ESTALE: -116 }
      : { ENOENT: -2 }
  for (const [name, number] of Object.entries(numbers)) t.is(errnoNumber(name as Errno), number, name)
  t.is(errnoOf(new FileSystemError('ENOENT', 'no')), -2)
  t.is(errnoOf(new TypeError('broken')), -5)
  t.is(errnoOf(undefined), -5)
})

test('a stat has type, permissions, owner, sizes and times', (t) => {
  const owner = { uid: 7, gid: 8, umask: 0o022 }
  const file = {
    kind: 'file',
    size: 2 ** 33 + 1,
    modified: 2 ** 41 + 5,
    created: 1,
    executable: true,
    writable: true,
  } as const
  const words = statWords(file, owner)
  t.deepEqual([...words.subarray(0, 5)], [0o100755, 7, 8, 1, 2])
  t.deepEqual([...words.subarray(14, 16)], [5, 2 ** 9])
  t.is(statWords({ ...file, executable: false, writable: false }, owner)[0], 0o100444)
  t.is(statWords({ ...file, kind: 'folder', writable: false }, owner)[0], 0o040555)
  // The C file takes them as unsigned.
  t.deepEqual([...statWords({ ...file, modified: -1000 }, owner).subarray(14, 16)], [0, 0])
})

test('df never shows more free than there is, nor less than nothing', (t) => {
  t.deepEqual(statisticsOf({ bytes: 2 ** 60, bytesFree: 2 ** 61, entries: -5, entriesFree: 7 }), {
    ...{ blocks: 2 ** 48, blocksFree: 2 ** 48, entries: 0, entriesFree: 7 },
  })
  const words = statfsWords({ bytes: 8192, bytesFree: 1e12, entries: 5, entriesFree: -3 })
  t.deepEqual([...words].slice(2, 8), [2, 2, 2, 5, 0, 0])
  t.is(statfsWords({ bytes: 2 ** 60, bytesFree: 2 ** 60, entries: 1, entriesFree: 1 })[2], 0xffff_ffff)
})

test('notifications are as linux/fuse.h has them', (t) => {
  t.is(
    invalidateInode(258).toString('hex'),
    `28000000${'02000000'}${'00'.repeat(8)}0201${'00'.repeat(6)}${'00'.repeat(16)}`,
  )
  t.is(
    invalidateEntry(1, 'é').toString('hex'),
    `23000000${'03000000'}${'00'.repeat(8)}01${'00'.repeat(7)}02000000${'00000000'}c3a900`,
  )
})

test('mountinfo is read with its escapes, whatever the number of optional fields', (t) => {
  const text = [
    '36 35 0:41 / /mnt/a\\040b\\134c rw,relatime shared:1 master:2 - fuse.novem-spaces novem-spaces:notes rw',
    '37 35 0:42 / /mnt/é rw - ext4 /dev/vda rw',
    '',
  ].join('\n')
  t.deepEqual(parseMountInfo(text), [
    { mountPoint: '/mnt/a b\\c', type: 'fuse.novem-spaces', source: 'novem-spaces:notes', connection: 41 },
    { mountPoint: '/mnt/é', type: 'ext4', source: '/dev/vda', connection: 42 },
  ])
})

test('mounts of macOS are read from what mount says', (t) => {
  const text = [
    '/dev/disk3s1s1 on / (apfs, sealed, local, read-only, journaled)',
    'novem-spaces:@ann~notes on /Users/ann/my notes (1) (macfuse, nodev, nosuid, synchronous, mounted by ann)',
    'map auto_home on /System/Volumes/Data/home (autofs, automounted, nobrowse)',
    '',
  ].join('\n')
  t.deepEqual(
    parseMountList(text).map(({ source, mountPoint, type }) => [source, mountPoint, type]),
    [
      ['/dev/disk3s1s1', '/', 'apfs'],
      ['novem-spaces:@ann~notes', '/Users/ann/my notes (1)', 'macfuse'],
      ['map auto_home', '/System/Volumes/Data/home', 'autofs'],
    ],
  )
})

test('a mount point must be an empty folder that is there', async (t) => {
  const folder = tempFolder(t)
  mkdirSync(join(folder, 'full'))
  writeFileSync(join(folder, 'full', 'a'), '')
  writeFileSync(join(folder, 'file'), '')
  mkdirSync(join(folder, 'empty'))
  symlinkSync(folder, join(folder, 'link'))
  const ready = (name: string, nonEmpty = false) => readyMountPoint(join(folder, name), nonEmpty, silentLog)
  await t.throwsAsync(ready('none'), { message: /none does not exist; make the folder first/ })
  await t.throwsAsync(ready('none/deeper'), { message: /none does not exist/ })
  await t.throwsAsync(ready('file'), { message: /file is not a folder/ })
  await t.throwsAsync(ready('full'), { message: /full is not empty.*--nonempty/ })
  t.is(await ready('full', true), join(folder, 'full'))
  t.is(await ready('link/empty'), join(folder, 'empty'))
  t.is(await canonical('/'), '/')
})

test('what is mounted elsewhere is left alone', async (t) => {
  await t.throwsAsync(readyMountPoint('/proc', false, silentLog), {
    message: /\/proc is in use already: proc \(proc\)/,
  })
})

test('a request is answered once, and those that take too long are given up', async (t) => {
  const requests = new Requests(20)
  const given: string[] = []
  const first = requests.begin('/a', () => given.push('first'))
  requests.begin('/b')
  t.true(requests.end(first))
  t.false(requests.end(first))
  const third = requests.begin('/c', () => requests.end(third) && given.push('third'))
  const drained = requests.drained(new Set(['/c'])).then(() => given.push('drained'))
  await requests.drained(new Set(['/a']))
  const alive = setInterval(() => {}, 1000)
  await drained
  clearInterval(alive)
  await until(() => given.length === 2, 'given up')
  t.deepEqual(given, ['third', 'drained'])
  requests.close()
})
