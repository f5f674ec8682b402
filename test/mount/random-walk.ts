/**
 * `node random-walk.js <oracle> <mount> <seed> <steps>`: the same random operations on a local folder and on a mount, each
 * answer compared at once, the trees at the end. Exits with 1 and says the step at the first difference.
 */
import { createHash } from 'node:crypto'
import {
  closeSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmdirSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { Random } from '../support/random.js'
import { attempt } from './behaviours/behaviour.js'

const [, , oracle = '', mounted = '', seed = '1', steps = '500'] = process.argv
const HANDLES = 6

const random = new Random(Number(seed))
const below = (limit: number) => random.below(limit)
const pick = <T>(list: readonly T[]) => random.pick(list)

/** Few names and few folders: operations meet each other. */
const FOLDERS = ['', 'd1', 'd2', 'd1/sub']
const NAMES = ['a', 'b', 'c', 'Ünïcode', 'with space']
const somewhere = () => join(pick(FOLDERS), pick(NAMES))

/** One open file each on both sides, by slot. */
const handles: ({ oracle: number; mounted: number } | undefined)[] = Array.from({ length: HANDLES })

type Step = (root: string, side: 'oracle' | 'mounted') => unknown

function nextStep(): { readonly what: string; readonly step: Step } {
  const path = somewhere()
  const other = somewhere()
  const slot = below(HANDLES)
  const bytes = Buffer.alloc(below(3) === 0 ? below(200_000) : below(200), below(256))
  const offset = below(4) === 0 ? below(100_000) : below(300)
  const open = handles[slot]
  switch (below(16)) {
    case 0:
    case 1:
      return {
        what: `write ${path} (${bytes.length})`,
        step: (root) => writeFileSync(join(root, path), bytes),
      }
    case 2:
    case 3:
      return { what: `read ${path}`, step: (root) => digest(readFileSync(join(root, path))) }
    case 4: {
      const flags = pick(['r', 'r+', 'w', 'w+', 'a', 'wx'])
      if (open) return close(slot)
      const opened = { oracle: -1, mounted: -1 }
      return {
        what: `open ${path} ${flags} as ${slot}`,
        step: (root, side) => {
          opened[side] = openSync(join(root, path), flags)
          handles[slot] = opened
        },
      }
    }
    case 5:
    case 6:
      if (!open) return nextStep()
      return {
        what: `pwrite ${slot} ${bytes.length}@${offset}`,
        step: (_, side) => writeSync(open[side], bytes, 0, bytes.length, offset),
      }
    case 7:
      if (!open) return nextStep()
      return {
        what: `pread ${slot} @${offset}`,
        step: (_, side) => {
          const buffer = Buffer.alloc(5000)
          const read = readSync(open[side], buffer, 0, buffer.length, offset)
          return digest(buffer.subarray(0, read))
        },
      }
    case 8:
      if (!open || isRemovedFolder(open)) return nextStep()
      return below(2) === 0
        ? { what: `ftruncate ${slot} ${offset}`, step: (_, side) => ftruncateSync(open[side], offset) }
        : { what: `fsync ${slot}`, step: (_, side) => fsyncSync(open[side]) }
    case 9:
      return open ? close(slot) : nextStep()
    case 10:
      return {
        what: `rename ${path} ${other}`,
        step: (root) => renameSync(join(root, path), join(root, other)),
      }
    case 11:
      return { what: `unlink ${path}`, step: (root) => unlinkSync(join(root, path)) }
    case 12: {
      const folder = below(2) === 0 ? pick(FOLDERS.slice(1)) : path
      const makes = below(2) === 0
      return makes
        ? { what: `mkdir ${folder}`, step: (root) => mkdirSync(join(root, folder)) }
        : { what: `rmdir ${folder}`, step: (root) => rmdirSync(join(root, folder)) }
    }
    case 13: {
      const [from, to] = [pick(FOLDERS.slice(1)), pick([...FOLDERS.slice(1), path])]
      return {
        what: `rename folder ${from} ${to}`,
        step: (root) => renameSync(join(root, from), join(root, to)),
      }
    }
    case 14:
      return { what: `truncate ${path} ${offset}`, step: (root) => truncateSync(join(root, path), offset) }
    default:
      return {
        what: `stat ${path} and ${slot}`,
        step: (root, side) => [
          attempt(() => facts(statSync(join(root, path)))),
          open ? attempt(() => handleFacts(open, side)) : 'closed',
          attempt(() => readdirSync(root).sort()),
        ],
      }
  }
}

function close(slot: number): { readonly what: string; readonly step: Step } {
  const open = handles[slot]
  handles[slot] = undefined
  return { what: `close ${slot}`, step: (_, side) => open && closeSync(open[side]) }
}

type Open = Readonly<Record<'oracle' | 'mounted', number>>

function handleFacts(open: Open, side: 'oracle' | 'mounted'): unknown {
  return isRemovedFolder(open) ? 'removed folder' : facts(fstatSync(open[side]))
}

/** Of its handle a mount knows nothing any more: folders are asked for by path. */
function isRemovedFolder(open: Open): boolean {
  const local = fstatSync(open.oracle)
  return local.isDirectory() && local.nlink === 0
}

function facts(stat: ReturnType<typeof statSync>): unknown {
  return stat?.isDirectory() ? 'folder' : Number(stat?.size)
}

function digest(bytes: Buffer): string {
  return `${bytes.length} ${createHash('md5').update(bytes).digest('hex')}`
}

function tree(root: string): unknown {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((path) => [
      path,
      attempt(() =>
        statSync(join(root, path)).isDirectory() ? 'folder' : digest(readFileSync(join(root, path))),
      ),
    ])
}

function compare(what: string, left: unknown, right: unknown): void {
  const [expected, seen] = [JSON.stringify(left), JSON.stringify(right)]
  if (expected === seen) return
  process.stderr.write(`${what}\n  local: ${expected}\n  mount: ${seen}\n`)
  process.exit(1)
}

const trail: string[] = []
for (let number = 1; number <= Number(steps); number++) {
  const { what, step } = nextStep()
  trail.push(`${number} ${what}`)
  const left = attempt(() => step(oracle, 'oracle'))
  const right = attempt(() => step(mounted, 'mounted'))
  compare(`seed ${seed}, after\n${trail.slice(-25).join('\n')}`, left, right)
}
for (const open of handles) {
  if (!open) continue
  closeSync(open.oracle)
  closeSync(open.mounted)
}
compare(`seed ${seed}, at the end`, tree(oracle), tree(mounted))
