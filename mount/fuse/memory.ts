import { closeSync, openSync, readdirSync, readFileSync, readSync, writeSync } from 'node:fs'

const FILE = '/proc/self/mem'
const THREADS = '/proc/self/task'

/** This process's own memory by address, where the system shows it (Linux on x64 and arm64). */
export class ProcessMemory {
  readonly #fd: number

  private constructor(
    fd: number,
    readonly isWritable: boolean,
  ) {
    this.#fd = fd
  }

  /** Undefined where there is no such thing, or it may not be used. */
  static open(): ProcessMemory | undefined {
    if (process.platform !== 'linux' || !/^(x64|arm64)$/.test(process.arch)) return undefined
    return tryOpen('r+') ?? tryOpen('r')

    function tryOpen(mode: 'r' | 'r+'): ProcessMemory | undefined {
      try {
        return new ProcessMemory(openSync(FILE, mode), mode === 'r+')
      } catch {
        return undefined
      }
    }
  }

  /** Undefined where not all of it is mapped. */
  read(address: bigint, length: number): Buffer | undefined {
    const bytes = Buffer.alloc(length)
    try {
      return readSync(this.#fd, bytes, 0, length, address) === length ? bytes : undefined
    } catch {
      return undefined
    }
  }

  /** Only for addresses that were read and recognised before. */
  write(address: bigint, bytes: Buffer): void {
    writeSync(this.#fd, bytes, 0, bytes.length, Number(address))
  }

  close(): void {
    closeSync(this.#fd)
  }
}

/** A thread of this process that sleeps in a system call. */
export interface Sleeper {
  readonly id: string
  /** The call's first argument: the address of what is waited for, where it waits for a semaphore. */
  readonly waitsFor: bigint
  /** Its stack, from the top. */
  readonly stack: bigint
}

/** All threads that sleep, or the one with this id if it does: `/proc/…/syscall` names call, arguments, stack and code. */
export function sleepers(only?: string): Sleeper[] {
  return (only ? [only] : threads()).flatMap((id) => {
    const [, first = '', ...rest] = text(`${THREADS}/${id}/syscall`).trim().split(' ')
    const stack = rest.at(-2)
    if (!first.startsWith('0x') || !stack) return []
    return { id, waitsFor: BigInt(first), stack: BigInt(stack) }
  })
}

function threads(): string[] {
  try {
    return readdirSync(THREADS)
  } catch {
    return []
  }
}

function text(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}
