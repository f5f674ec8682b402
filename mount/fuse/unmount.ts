import { platform } from 'node:os'
import { type Ended, run } from './run.js'

export type Unmounted = 'unmounted' | 'busy'

/**
 * Takes a mount away. `busy`: a program still uses it, and nothing was done. With `lazy` it disappears from the tree at once, and for
 * good when the last program lets go. Raises where it cannot be done.
 */
export async function unmountAt(
  mountPoint: string,
  options: { readonly lazy?: boolean } = {},
): Promise<Unmounted> {
  const lazy = options.lazy === true
  for (const [program, args] of commands(mountPoint, lazy)) {
    const ended = await run(program, args)
    if (ended.missing) continue
    if (ended.code === 0) return 'unmounted'
    if (/busy/i.test(ended.stderr)) return 'busy'
    throw new Error(`${mountPoint} could not be unmounted: ${said(program, ended)}`)
  }
  throw new Error(
    `${mountPoint} could not be unmounted: there is no fusermount3 here; install the package fuse3.`,
  )
}

function commands(mountPoint: string, lazy: boolean): [string, string[]][] {
  if (platform() === 'darwin') {
    return lazy ? [['diskutil', ['unmount', 'force', mountPoint]]] : [['umount', [mountPoint]]]
  }
  const flags = lazy ? '-uz' : '-u'
  return [
    ['fusermount3', [flags, '--', mountPoint]],
    ['fusermount', [flags, '--', mountPoint]],
    ['umount', [...(lazy ? ['-l'] : []), '--', mountPoint]],
  ]
}

function said(program: string, { code, stderr }: Ended): string {
  if (code === null) return `${program} did not end in time.`
  return stderr || `${program} ended with ${code}.`
}
