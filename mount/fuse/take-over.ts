/**
 * How a mount of Linux is made: fuse-native does what takes rights (libfuse 2.9 mounts by mount(2) or `fusermount`, and opens
 * /dev/fuse), and is kept from serving it. One option more is refused by libfuse's second step, for which fuse-native fails; but the
 * mount is there, the descriptor is open in this process, and nobody has read from it.
 */
import type FuseNative from 'fuse-native'
import { fuseDescriptors } from './descriptor.js'
import { loadFuseNative } from './load.js'
import { withFusermount } from './requirements.js'

/** What libfuse refuses. It says so on stderr: "fuse: unknown option `served-by-novem-spaces'". */
const REFUSED = 'served-by-novem-spaces'

/** What fuse-native leaves behind lies in their memory, and in the event loop's list, for as long as the process lives. */
const left: FuseNative[] = []

/** Which descriptor is whose shows only while nobody else mounts, so one is made after the other. */
let last: Promise<unknown> = Promise.resolve()

/**
 * Mounts, and answers the descriptor of /dev/fuse, which is the caller's to serve and to close. `options`: as `optionString`
 * makes them. Raises where it could not be mounted.
 */
export function takeOver(mountPoint: string, options: string): Promise<number> {
  const taken = last.then(() => takeNext(mountPoint, options))
  last = taken.catch(() => {})
  return taken
}

async function takeNext(mountPoint: string, options: string): Promise<number> {
  const Fuse = await loadFuseNative()
  // It would run a shell and take the mount away.
  Fuse.unmount = (_mountPoint, done) => done(null)
  const fuse = new (handedOver(Fuse, `${options},${REFUSED}`))(mountPoint, {}, { timeout: false })
  const before = fuseDescriptors()
  const problem = await withFusermount(
    () => new Promise<Error | undefined>((resolve) => fuse.mount((error) => resolve(error ?? undefined))),
  )
  const descriptor = [...fuseDescriptors()].find((found) => !before.has(found))
  if (descriptor === undefined) throw problem ?? new Error(`${mountPoint} could not be mounted.`)
  left.push(fuse)
  await fuse.letGo()
  return descriptor
}

function handedOver(Fuse: typeof FuseNative, options: string) {
  return class extends Fuse {
    /** It keeps the process from ending otherwise. */
    letGo(): Promise<void> {
      return new Promise((resolve) => this._close(() => resolve()))
    }

    protected override _fuseOptions(): string {
      return options
    }
  }
}
