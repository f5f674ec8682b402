/** The class behind Node's pipes. It is no public part of Node; a Node without it has us read in another way. */
interface PipeWrap {
  readonly Pipe: new (kind: number) => PipeHandle
  readonly constants: { readonly SOCKET: number }
}

interface PipeHandle {
  /** Takes a descriptor; in some versions the error is answered, in others thrown. */
  open(descriptor: number): number | undefined
}

export interface PipeClass {
  /** A handle for `net.Socket`. */
  open(descriptor: number): object
}

export function pipeClass(): PipeClass | null {
  const { binding } = process as { binding?: (name: string) => unknown }
  if (!binding) return null
  try {
    const { Pipe, constants } = binding.call(process, 'pipe_wrap') as PipeWrap
    return {
      open: (descriptor) => {
        const handle = new Pipe(constants.SOCKET)
        const problem = handle.open(descriptor)
        if (problem) throw new Error(`/dev/fuse cannot be waited for: ${problem}`)
        return handle
      },
    }
  } catch {
    return null
  }
}
