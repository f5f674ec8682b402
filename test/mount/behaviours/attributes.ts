/** Times, modes, owners, and what is not a file or a folder. */
import {
  accessSync,
  chmodSync,
  chownSync,
  closeSync,
  constants,
  fchmodSync,
  futimesSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statfsSync,
  statSync,
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
