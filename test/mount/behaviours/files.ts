/** Opening, reading, writing, cutting. */
import {
  appendFileSync,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { attempt, type Behaviour } from './behaviour.js'

const text = (path: string) => readFileSync(path, 'utf8')

export const FILES: readonly Behaviour[] = [
  {
    name: 'a file that was written is read back',
    run(dir) {
      const file = join(dir, 'a')
      writeFileSync(file, 'hello')
      return [text(file), statSync(file).size, statSync(file).isFile(), statSync(file).nlink]
    },
  },
  {
    name: 'an empty file',
    run(dir) {
      const file = join(dir, 'empty')
      closeSync(openSync(file, 'w'))
      return [text(file), statSync(file).size, readdirSync(dir)]
    },
  },
  {
    name: 'reading what is not there',
    run: (dir) => [attempt(() => text(join(dir, 'no'))), attempt(() => statSync(join(dir, 'no/deeper')))],
  },
  {
    name: 'a path through a file',
    run(dir) {
      writeFileSync(join(dir, 'f'), 'x')
      return [
        attempt(() => statSync(join(dir, 'f/below'))),
        attempt(() => writeFileSync(join(dir, 'f/below'), '')),
      ]
    },
  },
  {
    name: 'O_EXCL on a new and on an existing name',
    run(dir) {
      const file = join(dir, 'x')
      const first = attempt(() => closeSync(openSync(file, 'wx')))
      return [first === undefined, attempt(() => openSync(file, 'wx')), attempt(() => openSync(file, 'ax'))]
    },
  },
  {
    name: 'opening for writing without O_CREAT',
    run: (dir) => attempt(() => openSync(join(dir, 'x'), 'r+')),
  },
  {
    name: 'O_TRUNC empties the file',
    run(dir) {
      const file = join(dir, 'x')
      writeFileSync(file, 'long content')
      const fd = openSync(file, 'w')
      const during = [fstatSync(fd).size, statSync(file).size]
      closeSync(fd)
      return [...during, text(file)]
    },
  },
  {
    name: 'overwriting in the middle keeps the rest',
    run(dir) {
      const file = join(dir, 'x')
      writeFileSync(file, '0123456789')
      const fd = openSync(file, 'r+')
      writeSync(fd, 'AB', 3)
      closeSync(fd)
      return text(file)
    },
  },
  {
    name: 'appending',
    run(dir) {
      const file = join(dir, 'log')
      for (const line of ['one\n', 'two\n', 'three\n']) appendFileSync(file, line)
      return text(file)
    },
  },
  {
    name: 'two handles that append, in turn',
    run(dir) {
      const file = join(dir, 'log')
      const [a, b] = [openSync(file, 'a'), openSync(file, 'a')]
      for (let i = 0; i < 5; i++) {
        writeSync(a, `a${i}\n`)
        writeSync(b, `b${i}\n`)
      }
      closeSync(a)
      closeSync(b)
      return text(file)
    },
  },
  {
    name: 'a hole reads as zeros',
    run(dir) {
      const file = join(dir, 'sparse')
      const fd = openSync(file, 'w+')
      writeSync(fd, 'end', 100_000)
      closeSync(fd)
      const bytes = readFileSync(file)
      return [
        bytes.length,
        bytes.subarray(0, 100_000).every((byte) => byte === 0),
        bytes.subarray(100_000).toString(),
      ]
    },
  },
  {
    name: 'truncate shorter and longer, by path',
    run(dir) {
      const file = join(dir, 'x')
      writeFileSync(file, '0123456789')
      truncateSync(file, 4)
      const short = text(file)
      truncateSync(file, 8)
      return [short, text(file), statSync(file).size]
    },
  },
  {
    name: 'truncate to nothing, by path',
    run(dir) {
      const file = join(dir, 'x')
      writeFileSync(file, '0123456789')
      truncateSync(file)
      return [
        text(file),
        attempt(() => truncateSync(join(dir, 'no'), 3)),
        attempt(() => truncateSync(dir, 3)),
      ]
    },
  },
  {
    name: 'ftruncate of an open file',
    run(dir) {
      const file = join(dir, 'x')
      writeFileSync(file, '0123456789')
      const fd = openSync(file, 'r+')
      ftruncateSync(fd, 3)
      writeSync(fd, 'Z', 5)
      const size = fstatSync(fd).size
      closeSync(fd)
      return [size, readFileSync(file).toString('hex')]
    },
  },
  {
    name: 'what one handle writes, another reads at once',
    run(dir) {
      const file = join(dir, 'x')
      const [w, r] = [openSync(file, 'w'), openSync(file, 'r')]
      writeSync(w, 'seen')
      const buffer = Buffer.alloc(10)
      const read = readSync(r, buffer, 0, 10, 0)
      const size = statSync(file).size
      closeSync(w)
      closeSync(r)
      return [read, buffer.toString('utf8', 0, read), size]
    },
  },
  {
    name: 'writing to a handle that only reads, reading one that only writes',
    run(dir) {
      const file = join(dir, 'x')
      writeFileSync(file, 'abc')
      const [r, w] = [openSync(file, 'r'), openSync(file, constants.O_WRONLY)]
      const seen = [attempt(() => writeSync(r, 'x')), attempt(() => readSync(w, Buffer.alloc(1)))]
      closeSync(r)
      closeSync(w)
      return seen
    },
  },
  {
    name: 'reading at and past the end',
    run(dir) {
      const file = join(dir, 'x')
      writeFileSync(file, 'abc')
      const fd = openSync(file, 'r')
      const seen = [1, 3, 100].map((at) => readSync(fd, Buffer.alloc(10), 0, 10, at))
      closeSync(fd)
      return seen
    },
  },
  {
    name: 'an open file that was unlinked is read and written on',
    run(dir) {
      const file = join(dir, 'x')
      writeFileSync(file, '0123456789')
      const fd = openSync(file, 'r+')
      unlinkSync(file)
      const listed = readdirSync(dir)
      const there = existsSync(file)
      writeSync(fd, 'AB', 2)
      const buffer = Buffer.alloc(20)
      const read = readSync(fd, buffer, 0, 20, 0)
      const size = fstatSync(fd).size
      closeSync(fd)
      return [listed, there, buffer.toString('utf8', 0, read), size, readdirSync(dir)]
    },
  },
  {
    name: 'an unlinked name is free for a new file while the old one is open',
    run(dir) {
      const file = join(dir, 'x')
      writeFileSync(file, 'old')
      const fd = openSync(file, 'r')
      unlinkSync(file)
      writeFileSync(file, 'new!')
      const buffer = Buffer.alloc(10)
      const read = readSync(fd, buffer, 0, 10, 0)
      closeSync(fd)
      return [buffer.toString('utf8', 0, read), text(file), readdirSync(dir)]
    },
  },
  {
    name: 'a file of several megabytes, written in odd pieces and synced on the way',
    run(dir) {
      const file = join(dir, 'large')
      const piece = Buffer.from(Array.from({ length: 70_001 }, (_, i) => i % 251))
      const fd = openSync(file, 'w')
      for (let i = 0; i < 60; i++) {
        writeSync(fd, piece)
        if (i % 25 === 0) fsyncSync(fd)
      }
      closeSync(fd)
      const bytes = readFileSync(file)
      const whole = Buffer.concat(Array.from({ length: 60 }, () => piece))
      return [bytes.length, bytes.equals(whole)]
    },
  },
  {
    name: 'a folder opened as a file',
    run: (dir) => [
      attempt(() => readFileSync(dir)),
      attempt(() => openSync(dir, 'w')),
      attempt(() => writeFileSync(join(dir, '.'), '')),
    ],
  },
]
