/** Paths as programs write them: slashes at the end, dots, and lengths. */
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { attempt, type Behaviour } from './behaviour.js'

const kind = (path: string) => attempt(() => (statSync(path).isDirectory() ? 'folder' : 'file'))

export const PATHS: readonly Behaviour[] = [
  {
    name: 'a slash at the end means a folder',
    run(dir) {
      writeFileSync(`${dir}/f`, 'x')
      return [
        attempt(() => mkdirSync(`${dir}/d/`)),
        kind(`${dir}/d/`),
        kind(`${dir}/f/`),
        attempt(() => openSync(`${dir}/f/`, 'r')),
        attempt(() => openSync(`${dir}/new/`, 'w')),
        attempt(() => unlinkSync(`${dir}/f/`)),
        attempt(() => renameSync(`${dir}/f`, `${dir}/g/`)),
        attempt(() => renameSync(`${dir}/d/`, `${dir}/e/`)),
        attempt(() => rmdirSync(`${dir}/e/`)),
        readdirSync(dir),
      ]
    },
  },
  {
    name: 'dots on the way',
    run(dir) {
      mkdirSync(`${dir}/d/deep`, { recursive: true })
      writeFileSync(`${dir}/d/../f`, 'x')
      return [
        kind(`${dir}/d/./deep/..`),
        readFileSync(`${dir}/./d/deep/../../f`, 'utf8'),
        kind(`${dir}/f/..`),
        kind(`${dir}/no/..`),
        kind(`${dir}//d///deep`),
      ]
    },
  },
  {
    name: 'dots at the end of what is made, moved or removed',
    run(dir) {
      mkdirSync(`${dir}/d/deep`, { recursive: true })
      return [
        attempt(() => mkdirSync(`${dir}/.`)),
        attempt(() => mkdirSync(`${dir}/d/..`)),
        attempt(() => rmdirSync(`${dir}/d/deep/.`)),
        attempt(() => rmdirSync(`${dir}/d/deep/..`)),
        attempt(() => renameSync(`${dir}/d/.`, `${dir}/e`)),
        attempt(() => renameSync(`${dir}/d`, `${dir}/d/deep/..`)),
        attempt(() => unlinkSync(`${dir}/d/.`)),
        readdirSync(`${dir}/d`),
      ]
    },
  },
  {
    name: 'empty and endless paths',
    run: (dir) => [
      attempt(() => statSync('')),
      attempt(() => mkdirSync('')),
      kind(`${dir}/${'a/'.repeat(2100)}`),
      kind(`${dir}/${'x'.repeat(255)}`),
      kind(`${dir}/${'x'.repeat(256)}`),
      attempt(() => rmdirSync(`${dir}/${'x'.repeat(256)}`)),
      attempt(() => unlinkSync(`${dir}/${'x'.repeat(256)}`)),
      attempt(() => renameSync(`${dir}/no`, `${dir}/${'x'.repeat(256)}`)),
    ],
  },
  {
    name: 'hidden names and names that look like options',
    run(dir) {
      for (const name of ['.', '..x', '...x', '-rf', '~', '~root', '$HOME', '`ls`', '\u{1f600}']) {
        if (name !== '.') closeSync(openSync(`${dir}/${name}`, 'w'))
      }
      return readdirSync(dir).sort()
    },
  },
  {
    name: 'renaming with names of full length',
    run(dir) {
      const [a, b] = ['a'.repeat(255), 'b'.repeat(255)]
      writeFileSync(`${dir}/${a}`, 'x')
      renameSync(`${dir}/${a}`, `${dir}/${b}`)
      mkdirSync(`${dir}/${a}`)
      renameSync(`${dir}/${b}`, `${dir}/${a}/${b}`)
      return [readdirSync(dir), readdirSync(`${dir}/${a}`)]
    },
  },
]
