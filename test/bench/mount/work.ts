/**
 * What is done on a mount, in a process of its own, which may hang with it: `node work.js <what> <folder or file> [number]`.
 * Prints the milliseconds it took.
 */
import {
  closeSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { argv, stdout } from 'node:process'

const PIECE = 1024 * 1024

let began = performance.now()

const works: Readonly<Record<string, (path: string, number: number) => void>> = {
  /** A new folder of so many files of 5 bytes. */
  create(folder, count) {
    mkdirSync(folder)
    for (let n = 0; n < count; n++) {
      const file = openSync(join(folder, `document-${String(n).padStart(7, '0')}.txt`), 'wx')
      writeSync(file, '12345')
      closeSync(file)
    }
  },

  /** Asks for each of so many entries below; finding out what there is is not counted. */
  stat(folder, count) {
    const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name))
    if (paths.length < count) throw new Error(`${folder} has ${paths.length} entries and not ${count}.`)
    began = performance.now()
    for (const path of paths) lstatSync(path)
  },

  /** A new file of so many bytes, one piece after the other. */
  write: (path, bytes) => writeFile(path, bytes, () => {}),

  /** The same, then fsync. */
  writeSynced: (path, bytes) => writeFile(path, bytes, fsyncSync),

  /** All of a file of so many bytes, one piece after the other. */
  read(path, bytes) {
    const piece = Buffer.alloc(PIECE)
    const file = openSync(path, 'r')
    let seen = 0
    for (let got = 1; got > 0; seen += got) got = readSync(file, piece)
    closeSync(file)
    if (seen !== bytes) throw new Error(`${path} has ${seen} bytes and not ${bytes}.`)
  },
}

function writeFile(path: string, bytes: number, before: (file: number) => void): void {
  const piece = Buffer.alloc(PIECE, 'x')
  const file = openSync(path, 'wx')
  for (let left = bytes; left > 0; left -= PIECE) writeSync(file, piece.subarray(0, left))
  before(file)
  closeSync(file)
}

const [what = '', path = '', number = '1'] = argv.slice(2)
works[what]?.(path, Number(number))
stdout.write(String(performance.now() - began))
