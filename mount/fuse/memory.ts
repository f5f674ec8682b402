import { closeSync, openSync, readSync } from 'node:fs'

/** This process's own memory by address, where the system shows it (Linux). */
export class ProcessMemory {
  readonly #fd: number
  readonly #word = Buffer.alloc(4)

  private constructor(fd: number) {
    this.#fd = fd
  }

  /** Undefined where there is no such thing, or it is not let be read. */
  static open(): ProcessMemory | undefined {
    try {
      return new ProcessMemory(openSync('/proc/self/mem', 'r'))
    } catch {
      return undefined
    }
  }

  /** Undefined where nothing is mapped at that address. */
  readInt32(address: bigint): number | undefined {
    try {
      return readSync(this.#fd, this.#word, 0, 4, address) === 4 ? this.#word.readInt32LE() : undefined
    } catch {
      return undefined
    }
  }

  close(): void {
    closeSync(this.#fd)
  }
}
