/** Times, modes, owners, and what is not a file or a folder. */
import {
  accessSync,
  chmodSync,
  chownSync,
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  futimesSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmdirSync,
  statfsSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { attempt, type Behaviour } from './behaviour.js'

const isExecutable = (path: string) => (statSync(path).mode & 0o100) !== 0

export const ATTRIBUTES: readonly Behaviour[] = [
  {
    name: 'utimes sets the modification time, of files and folders',
    run(dir) {
      const [file, folder] = [join(dir, 'f'), join(dir, 'd')]
      writeFileSync(file, 'x')
      mkdirSync(folder)
      utimesSync(file, 1_000_000_000, 1_234_567_890)
      utimesSync(folder, 1_000_000_000, 1_300_000_000.5)
      return [statSync(file).mtimeMs, statSync(folder).mtimeMs, readFileSync(file, 'utf8')]
    },
  },
  {
    name: 'futimes of an open file that is being written',
    run(dir) {
      const file = join(dir, 'f')
      const fd = openSync(file, 'w')
      writeSync(fd, 'content')
      futimesSync(fd, 1_000_000_000, 1_111_111_111)
      closeSync(fd)
      return [statSync(file).mtimeMs, statSync(file).size]
    },
  },
  {
    name: 'the time of a file goes with it',
    run(dir) {
      const file = join(dir, 'f')
      writeFileSync(file, 'x')
      utimesSync(file, 1_000_000_000, 1_234_567_890)
      renameSync(file, join(dir, 'g'))
      return statSync(join(dir, 'g')).mtimeMs
    },
  },
  {
    name: 'writing makes the time new',
    run(dir) {
      const file = join(dir, 'f')
      writeFileSync(file, 'x')
      utimesSync(file, 1_000_000_000, 1_234_567_890)
      writeFileSync(file, 'y')
      return statSync(file).mtimeMs > 1_700_000_000_000
    },
  },
  {
    name: 'the exec bit is kept',
    run(dir) {
      const file = join(dir, 'f')
      writeFileSync(file, '#!/bin/sh\n', { mode: 0o755 })
      const made = isExecutable(file)
      chmodSync(file, 0o644)
      const off = isExecutable(file)
      chmodSync(file, 0o755)
      return [made, off, isExecutable(file), attempt(() => accessSync(file, constants.X_OK))]
    },
  },
  {
    name: 'fchmod of an open file',
    run(dir) {
      const file = join(dir, 'f')
      const fd = openSync(file, 'w')
      fchmodSync(fd, 0o755)
      closeSync(fd)
      return isExecutable(file)
    },
  },
  {
    name: 'chmod of what is not there, chown to the owner it has',
    run(dir) {
      const file = join(dir, 'f')
      writeFileSync(file, '')
      const { uid, gid } = statSync(file)
      return [attempt(() => chmodSync(join(dir, 'no'), 0o644)), attempt(() => chownSync(file, uid, gid))]
    },
  },
  {
    name: 'times of folders whose entries come, go and are renamed; of files that are read and whose mode changes',
    run(dir) {
      const [one, two] = [join(dir, 'one'), join(dir, 'two')]
      const past = (path: string) => utimesSync(path, 1_000_000_000, 1_000_000_000)
      const isNew = (path: string) => statSync(path).mtimeMs > 1_600_000_000_000
      mkdirSync(one)
      mkdirSync(two)
      const seen: unknown[] = []
      const after = (step: () => void) => {
        past(one)
        past(two)
        step()
        seen.push([isNew(one), isNew(two)])
      }
      after(() => writeFileSync(join(one, 'f'), 'x'))
      after(() => writeFileSync(join(one, 'f'), 'y'))
      after(() => renameSync(join(one, 'f'), join(two, 'g')))
      after(() => mkdirSync(join(two, 'd')))
      after(() => rmdirSync(join(two, 'd')))
      after(() => unlinkSync(join(two, 'g')))
      const file = join(dir, 'f')
      writeFileSync(file, 'x')
      past(file)
      readFileSync(file)
      chmodSync(file, 0o755)
      return [...seen, isNew(file)]
    },
  },
  {
    name: 'modes other than the exec bit',
    differs: { seen: ['644', '755', '755', '644'], because: 'Only the exec bit is kept (contract §10).' },
    run(dir) {
      const file = join(dir, 'f')
      const folder = join(dir, 'd')
      writeFileSync(file, '', { mode: 0o600 })
      mkdirSync(folder, { mode: 0o700 })
      const mode = (path: string) => (statSync(path).mode & 0o7777).toString(8)
      const made = [mode(file), mode(folder)]
      chmodSync(file, 0o4711)
      const set = mode(file)
      chmodSync(file, 0o400)
      return [...made, set, mode(file)]
    },
  },
  {
    name: 'giving a file to somebody else',
    differs: { seen: ['EPERM', 'EPERM'], because: 'A space keeps no owners, and says so.' },
    run(dir) {
      const file = join(dir, 'f')
      writeFileSync(file, '')
      const { uid, gid } = statSync(file)
      return [attempt(() => chownSync(file, uid + 1, gid)), attempt(() => chownSync(file, uid, gid + 1))]
    },
  },
  {
    name: 'inode numbers stay with a file, blocks hold its bytes',
    run(dir) {
      const [file, other] = [join(dir, 'f'), join(dir, 'g')]
      writeFileSync(file, 'x'.repeat(5000))
      writeFileSync(other, '')
      const before = statSync(file)
      const fd = openSync(file, 'r')
      const same = fstatSync(fd).ino === before.ino
      closeSync(fd)
      renameSync(file, join(dir, 'h'))
      return [
        same,
        statSync(join(dir, 'h')).ino === before.ino,
        statSync(other).ino === before.ino,
        before.blocks * 512 >= 5000,
        statSync(other).dev === before.dev,
        before.nlink,
        statSync(dir).nlink >= 1,
      ]
    },
  },
  {
    name: 'kinds are told apart',
    run(dir) {
      writeFileSync(join(dir, 'f'), '')
      mkdirSync(join(dir, 'd'))
      const [file, folder] = [lstatSync(join(dir, 'f')), lstatSync(join(dir, 'd'))]
      return [file.isFile(), file.isDirectory(), folder.isFile(), folder.isDirectory()]
    },
  },
  {
    name: 'statfs tells of room',
    run(dir) {
      const { blocks, bfree, bsize } = statfsSync(dir)
      return [blocks > 0, bfree > 0, bfree <= blocks, bsize > 0]
    },
  },
]
