/** Folders, renames, unlinks, and names. */
import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { attempt, type Behaviour } from './behaviour.js'

const text = (path: string) => readFileSync(path, 'utf8')

export const NAMES: readonly Behaviour[] = [
  {
    name: 'making and removing folders',
    run(dir) {
      const at = (name: string) => join(dir, name)
      mkdirSync(at('a'))
      return [
        attempt(() => mkdirSync(at('a'))),
        attempt(() => mkdirSync(at('no/b'))),
        statSync(at('a')).isDirectory(),
        attempt(() => rmdirSync(at('no'))),
        attempt(() => rmdirSync(at('a'))),
        attempt(() => rmdirSync(at('a'))),
        readdirSync(dir),
      ]
    },
  },
  {
    name: 'a folder that is not empty stays',
    run(dir) {
      mkdirSync(join(dir, 'a/b'), { recursive: true })
      const refused = attempt(() => rmdirSync(join(dir, 'a')))
      rmdirSync(join(dir, 'a/b'))
      return [refused, attempt(() => rmdirSync(join(dir, 'a'))), readdirSync(dir)]
    },
  },
  {
    name: 'a file where a folder is meant, and the other way round',
    run(dir) {
      const at = (name: string) => join(dir, name)
      writeFileSync(at('file'), '')
      mkdirSync(at('folder'))
      return [
        attempt(() => rmdirSync(at('file'))),
        attempt(() => unlinkSync(at('folder'))),
        attempt(() => mkdirSync(at('file'))),
        attempt(() => mkdirSync(at('file/below'))),
        attempt(() => readdirSync(at('file'))),
      ]
    },
  },
  {
    name: 'unlinking',
    run(dir) {
      writeFileSync(join(dir, 'a'), 'x')
      unlinkSync(join(dir, 'a'))
      return [
        attempt(() => unlinkSync(join(dir, 'a'))),
        attempt(() => text(join(dir, 'a'))),
        readdirSync(dir),
      ]
    },
  },
  {
    name: 'renaming a file to a new name, into a folder and over another file',
    run(dir) {
      const at = (name: string) => join(dir, name)
      writeFileSync(at('a'), 'from a')
      mkdirSync(at('d'))
      renameSync(at('a'), at('b'))
      renameSync(at('b'), at('d/c'))
      writeFileSync(at('d/e'), 'to be replaced')
      renameSync(at('d/c'), at('d/e'))
      return [readdirSync(dir), readdirSync(at('d')), text(at('d/e'))]
    },
  },
  {
    name: 'renaming what is not there, to where nothing is, and to itself',
    run(dir) {
      const at = (name: string) => join(dir, name)
      writeFileSync(at('a'), 'x')
      return [
        attempt(() => renameSync(at('no'), at('b'))),
        attempt(() => renameSync(at('a'), at('no/b'))),
        attempt(() => renameSync(at('a'), at('a'))),
        readdirSync(dir),
      ]
    },
  },
  {
    name: 'renaming over an open file: old handles read the old bytes',
    run(dir) {
      const at = (name: string) => join(dir, name)
      writeFileSync(at('target'), 'the old bytes')
      const fd = openSync(at('target'), 'r')
      writeFileSync(at('temp'), 'the new')
      renameSync(at('temp'), at('target'))
      const buffer = Buffer.alloc(20)
      const read = readSync(fd, buffer, 0, 20, 0)
      closeSync(fd)
      return [buffer.toString('utf8', 0, read), text(at('target')), readdirSync(dir)]
    },
  },
  {
    name: 'renaming an open file: it is written on under its new name',
    run(dir) {
      const at = (name: string) => join(dir, name)
      const fd = openSync(at('a'), 'w')
      writeSync(fd, 'before ')
      renameSync(at('a'), at('b'))
      writeSync(fd, 'after')
      const size = fstatSync(fd).size
      closeSync(fd)
      return [size, text(at('b')), readdirSync(dir)]
    },
  },
  {
    name: 'renaming folders: with what is in them, over an empty one, over a full one, into themselves',
    run(dir) {
      const at = (name: string) => join(dir, name)
      mkdirSync(at('a/deep'), { recursive: true })
      writeFileSync(at('a/deep/file'), 'content')
      renameSync(at('a'), at('b'))
      const moved = text(at('b/deep/file'))
      mkdirSync(at('empty'))
      const overEmpty = attempt(() => renameSync(at('b'), at('empty')))
      mkdirSync(at('full/x'), { recursive: true })
      return [
        moved,
        overEmpty,
        attempt(() => renameSync(at('empty'), at('full'))),
        attempt(() => renameSync(at('empty'), at('empty/deep/below'))),
        readdirSync(dir),
        text(at('empty/deep/file')),
      ]
    },
  },
  {
    name: 'renaming files over folders and folders over files',
    run(dir) {
      const at = (name: string) => join(dir, name)
      writeFileSync(at('file'), 'x')
      mkdirSync(at('folder'))
      return [
        attempt(() => renameSync(at('file'), at('folder'))),
        attempt(() => renameSync(at('folder'), at('file'))),
        readdirSync(dir),
      ]
    },
  },
  {
    name: 'temp file and rename, again and again',
    run(dir) {
      const at = (name: string) => join(dir, name)
      for (let i = 0; i < 10; i++) {
        writeFileSync(at('doc.tmp'), `version ${i}`)
        renameSync(at('doc.tmp'), at('doc'))
      }
      return [text(at('doc')), readdirSync(dir)]
    },
  },
  {
    name: 'backup and write anew, as vim does',
    run(dir) {
      const at = (name: string) => join(dir, name)
      writeFileSync(at('doc'), 'first')
      renameSync(at('doc'), at('doc~'))
      writeFileSync(at('doc'), 'second')
      unlinkSync(at('doc~'))
      return [text(at('doc')), readdirSync(dir)]
    },
  },
  {
    name: 'many entries in a folder',
    run(dir) {
      for (let i = 0; i < 300; i++) writeFileSync(join(dir, `file ${i}`), String(i))
      const listed = readdirSync(dir).sort()
      const kinds = readdirSync(dir, { withFileTypes: true }).every((entry) => entry.isFile())
      for (let i = 0; i < 300; i += 2) unlinkSync(join(dir, `file ${i}`))
      return [listed.length, listed[7], kinds, readdirSync(dir).length]
    },
  },
  {
    name: 'a deep tree, removed whole',
    run(dir) {
      const deep = join(dir, ...Array.from({ length: 20 }, (_, i) => `level${i}`))
      mkdirSync(deep, { recursive: true })
      writeFileSync(join(deep, 'file'), 'deep down')
      const seen = text(join(deep, 'file'))
      rmSync(join(dir, 'level0'), { recursive: true })
      return [seen, readdirSync(dir)]
    },
  },
  {
    name: 'names of all kinds',
    run(dir) {
      const names = [
        'ünïcödé',
        '日本語',
        'with space',
        '#hash',
        '%41',
        ';&+=,',
        "quote'",
        '☃',
        '-dash',
        '.hidden',
        'a'.repeat(255),
      ]
      for (const name of names) writeFileSync(join(dir, name), name)
      return [readdirSync(dir).sort(), names.map((name) => text(join(dir, name)) === name)]
    },
  },
  {
    name: 'names that are too long',
    run: (dir) => [
      attempt(() => writeFileSync(join(dir, 'a'.repeat(256)), '')),
      attempt(() => statSync(join(dir, 'ü'.repeat(128)))),
      attempt(() => mkdirSync(join(dir, 'a'.repeat(256)))),
    ],
  },
  {
    name: 'a folder removed while it is listed again and again',
    run(dir) {
      const seen: unknown[] = []
      for (let i = 0; i < 5; i++) {
        mkdirSync(join(dir, 'd'))
        writeFileSync(join(dir, 'd', 'f'), String(i))
        seen.push(readdirSync(join(dir, 'd')))
        rmSync(join(dir, 'd'), { recursive: true })
        seen.push(attempt(() => readdirSync(join(dir, 'd'))))
      }
      return seen
    },
  },
]
