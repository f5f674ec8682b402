import { platform } from 'node:os'

/** How a mount is to be. */
export interface KernelOptions {
  /** Shown by `mount` and `df`: `notes`, `@ann~notes`. */
  readonly name: string
  readonly readOnly: boolean
  readonly allowOther: boolean
  /** The kernel goes by owners and modes. It has to ask for those of a folder anew whenever something in it has changed. */
  readonly checkModes: boolean
  /** Mounts over a folder with something in it. */
  readonly nonEmpty: boolean
  /** How long the kernel may believe names and attributes; 0: it asks each time. */
  readonly cacheSeconds: number
  /** Pages stay until they are taken back by a notification; else they go when time or size of a file are others. */
  readonly keepPages: boolean
}

/** The C file keeps them in 1,024 bytes, the last of which is 0. */
const LONGEST = 1023

/** The `-o` of libfuse 2.9 (macFUSE: the same and its own). Raises where they do not fit. */
export function optionString(options: KernelOptions, system = platform()): string {
  const list = [
    // A comma or a backslash is an option's end or escape.
    `fsname=novem-spaces:${options.name.replace(/[\\,]/g, '_')}`,
    `entry_timeout=${options.cacheSeconds}`,
    `attr_timeout=${options.cacheSeconds}`,
    'negative_timeout=0',
    'atomic_o_trunc',
    options.keepPages ? 'kernel_cache' : 'auto_cache',
    ...(options.checkModes ? ['default_permissions'] : []),
    ...(options.allowOther ? ['allow_other'] : []),
    ...(options.readOnly ? ['ro'] : []),
    ...(system === 'darwin' ? macOptions(options) : linuxOptions(options)),
  ]
  const text = `-o${list.join(',')}`
  if (Buffer.byteLength(text) > LONGEST) {
    throw new Error(
      `The mount's options have ${Buffer.byteLength(text)} bytes and may have ${LONGEST}: ${text}`,
    )
  }
  return text
}

function linuxOptions({ nonEmpty }: KernelOptions): string[] {
  return [
    'subtype=novem-spaces',
    'big_writes',
    'max_write=131072',
    'max_readahead=131072',
    'async_read',
    ...(nonEmpty ? ['nonempty'] : []),
  ]
}

/** Finder gets a volume name and leaves no `._*` files behind. */
function macOptions({ name }: KernelOptions): string[] {
  return [`volname=${name.replace(/[\\,]/g, '_')}`, 'noappledouble', 'noapplexattr', 'iosize=131072']
}
