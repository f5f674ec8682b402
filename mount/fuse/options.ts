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
}

/** The C file keeps them in 1,024 bytes, the last of which is 0; and `take-over.ts` adds one. */
const LONGEST = 1000

/** The `-o` of libfuse 2.9 (macFUSE: the same and its own). Raises where they do not fit. */
export function optionString(options: KernelOptions, system = platform()): string {
  const list = [
    // A comma or a backslash is an option's end or escape.
    `fsname=novem-spaces:${options.name.replace(/[\\,]/g, '_')}`,
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

/** How much is read at once and what the kernel keeps is said in its protocol. */
function linuxOptions({ nonEmpty }: KernelOptions): string[] {
  return ['subtype=novem-spaces', ...(nonEmpty ? ['nonempty'] : [])]
}

/**
 * Finder gets a volume name and leaves no `._*` files behind. The kernel cannot be told of changes: it believes names and attributes for a
 * second, and pages until time or size of a file are others.
 */
function macOptions({ name }: KernelOptions): string[] {
  return [
    ...['entry_timeout=1', 'attr_timeout=1', 'negative_timeout=0', 'atomic_o_trunc', 'auto_cache'],
    ...[`volname=${name.replace(/[\\,]/g, '_')}`, 'noappledouble', 'noapplexattr', 'iosize=131072'],
  ]
}
