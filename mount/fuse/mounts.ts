import { readFile } from 'node:fs/promises'
import { platform } from 'node:os'
import { run } from './run.js'

/** Something that is mounted. */
export interface MountEntry {
  readonly mountPoint: string
  /** `fuse.novem-spaces`, `macfuse`, `ext4` … */
  readonly type: string
  readonly source: string
  /** Minor number of its device: of a FUSE mount, its number under /sys/fs/fuse/connections. -1 where that is not known. */
  readonly connection: number
}

/** What is mounted, without touching any of it: a mount whose process is gone or stuck would not answer. */
async function listMounts(): Promise<readonly MountEntry[]> {
  if (platform() === 'darwin') return parseMountList((await run('mount', [])).stdout)
  return parseMountInfo(await readFile('/proc/self/mountinfo', 'utf8'))
}

/** The topmost mount at a path. */
export async function mountAt(path: string): Promise<MountEntry | undefined> {
  return (await listMounts()).findLast(({ mountPoint }) => mountPoint === path)
}

/** proc(5): optional fields end with a lone hyphen; blanks in names are octal escapes. */
export function parseMountInfo(text: string): MountEntry[] {
  return text.split('\n').flatMap((line) => {
    const words = line.split(' ')
    const rest = words.indexOf('-', 6)
    const [, , device = '', , mountPoint = ''] = words
    if (rest < 0) return []
    return {
      mountPoint: plain(mountPoint),
      type: words[rest + 1] ?? '',
      source: plain(words[rest + 2] ?? ''),
      connection: Number(device.split(':')[1]),
    }
  })
}

/** What mount(8) prints on macOS: `novem-spaces:notes on /Users/ann/notes (macfuse, nodev, …)`. */
export function parseMountList(text: string): MountEntry[] {
  return text.split('\n').flatMap((line) => {
    const [, source = '', mountPoint, type = ''] = /^(.*) on (\/.*) \(([^,)]+)[^()]*\)$/.exec(line) ?? []
    return mountPoint === undefined ? [] : { mountPoint, type, source, connection: -1 }
  })
}

/** The escaped characters are ASCII, so the rest of a UTF-8 name is left as it is. */
function plain(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
}
