import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import type FuseNative from 'fuse-native'

/** The library stays loaded although Node, which finds no addon in it, lets it go again (dlopen(3)). */
const RTLD_NODELETE = 0x1000

/**
 * Loads fuse-native. Its ready binaries want `libfuse.so.2` of the system, which many have no more, and which lies beside them:
 * that one is loaded first, so it is always the same. Raises an Error that says what is missing.
 */
export async function loadFuseNative(): Promise<typeof FuseNative> {
  try {
    loadLibrary()
    return (await import('fuse-native')).default
  } catch (cause) {
    throw new Error(
      'The package fuse-native, which mounting needs, is not installed or does not work here ' +
        `(${process.platform}, ${process.arch}): ${(cause as Error).message}`,
      { cause },
    )
  }
}

/** Where the library is; undefined where fuse-native brings none for this system. */
function bundledLibrary(): string | undefined {
  if (process.platform !== 'linux') return undefined
  const folder = dirname(createRequire(import.meta.url).resolve('fuse-native/package.json'))
  const path = join(folder, 'prebuilds', `linux-${process.arch}`, 'libfuse.so')
  return existsSync(path) ? path : undefined
}

function loadLibrary(): void {
  const library = bundledLibrary()
  if (library === undefined) return
  const { RTLD_NOW, RTLD_GLOBAL } = constants.dlopen
  try {
    process.dlopen({ exports: {} }, library, RTLD_NOW | RTLD_GLOBAL | RTLD_NODELETE)
  } catch {
    // Always: it is no addon. Whether it is loaded shows when fuse-native is.
  }
}
