/** What programs write, before the server has it. */
import { createHash } from 'node:crypto'
import {
  closeSync,
  constants,
  copyFileSync,
  createReadStream,
  fstatSync,
  ftruncateSync,
  openSync,
  read,
  readSync,
  writeSync,
} from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { removeFile } from '../cache/remove-file.js'
import { LentPieces } from '../lent-pieces.js'
import type { WriteBody } from '../volume.js'

/** What is no larger is kept in memory until it must outlive this process. */
const SMALL = 128 * 1024
const LEAST = 4096
/** What is no larger is sent in one piece: the page cache has just got it. */
const WHOLE = 1024 * 1024

const readAt = promisify(read)

/**
 * A file's local bytes: in memory while they are few, in a file of the cache folder from then on. Calls are synchronous:
 * memory and page cache answer in microseconds, and the order of writes is the order of the calls.
 */
export class WorkFile {
  #memory: Buffer | undefined
  #fd: number | undefined
  #size = 0
  #isInOrder = true

  private constructor(readonly path: string) {}

  /** Empty; `path` is where it will be on the disk, when it gets there. */
  static empty(path: string): WorkFile {
    const work = new WorkFile(path)
    work.#memory = Buffer.alloc(0)
    return work
  }

  /** Takes the buffer over. */
  static of(bytes: Buffer, path: string): WorkFile {
    const work = new WorkFile(path)
    work.#memory = bytes
    work.#size = bytes.length
    work.#isInOrder = false
    return work
  }

  /** A file that is on the disk. */
  static open(path: string): WorkFile {
    const work = new WorkFile(path)
    work.#fd = openSync(path, constants.O_RDWR)
    work.#size = fstatSync(work.#fd).size
    work.#isInOrder = false
    return work
  }

  /** The same bytes once more; `path` is where they will be on the disk. */
  copy(path: string): WorkFile {
    if (this.#size > SMALL) {
      copyFileSync(this.path, path, constants.COPYFILE_FICLONE)
      return WorkFile.open(path)
    }
    const bytes = Buffer.alloc(this.#size)
    this.read(bytes, 0)
    return WorkFile.of(bytes, path)
  }

  get size(): number {
    return this.#size
  }

  /** Empty at first, and written from there to its end: no byte of it has changed since it was written. */
  get isInOrder(): boolean {
    return this.#isInOrder
  }

  /** The bytes, where they are not on the disk. */
  get memory(): Buffer | undefined {
    return this.#memory?.subarray(0, this.#size)
  }

  read(buffer: Buffer, offset: number): number {
    if (this.#fd !== undefined) return readSync(this.#fd, buffer, 0, buffer.length, offset)
    return offset < this.#size ? (this.memory?.copy(buffer, 0, offset) ?? 0) : 0
  }

  write(buffer: Buffer, offset: number): void {
    const end = offset + buffer.length
    if (offset !== this.#size) this.#isInOrder = false
    if (this.#memory && end > SMALL) this.persist()
    if (this.#memory) buffer.copy(this.#withRoom(this.#memory, end), offset)
    else this.#writeFile(buffer, offset)
    this.#size = Math.max(this.#size, end)
  }

  truncate(size: number): void {
    if (size !== this.#size) this.#isInOrder = false
    if (this.#memory && size > SMALL) this.persist()
    if (this.#fd !== undefined) ftruncateSync(this.#fd, size)
    else if (this.#memory) this.#withRoom(this.#memory, size).fill(0, Math.min(size, this.#size))
    this.#size = size
  }

  /** From now on the bytes are in the file, and outlive this process. */
  persist(): void {
    const { memory } = this
    if (!memory) return
    this.#fd = openSync(this.path, constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC, 0o600)
    this.#writeFile(memory, 0)
    this.#memory = undefined
  }

  /** What is sent: nobody writes meanwhile. */
  body(): WriteBody {
    const { path, size, memory } = this
    if (memory) return { size, open: () => memory }
    return {
      size,
      open: () => {
        if (size > WHOLE) return filePieces(path, size)
        const bytes = Buffer.allocUnsafe(size)
        return bytes.subarray(0, this.read(bytes, 0))
      },
    }
  }

  async md5(): Promise<string> {
    const hash = createHash('md5')
    if (this.memory) return hash.update(this.memory).digest('hex')
    await pipeline(createReadStream(this.path), hash)
    return hash.digest('hex')
  }

  /** The file, if there is one, stays. */
  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
  }

  remove(): void {
    const wasOnDisk = this.#fd !== undefined
    this.close()
    if (wasOnDisk) removeFile(this.path)
  }

  /** Beyond what was written memory is zeros: holes read as such. */
  #withRoom(memory: Buffer, size: number): Buffer {
    if (size <= memory.length) return memory
    const larger = Buffer.alloc(Math.min(SMALL, Math.max(size, 2 * memory.length, LEAST)))
    memory.copy(larger, 0, 0, this.#size)
    this.#memory = larger
    return larger
  }

  #writeFile(buffer: Buffer, offset: number): void {
    const fd = this.#fd
    if (fd === undefined) throw new Error(`${this.path} is closed.`)
    for (let done = 0; done < buffer.length; ) {
      done += writeSync(fd, buffer, done, buffer.length - done, offset + done)
    }
  }
}

/** The first `size` bytes of a file. */
function filePieces(path: string, size: number): LentPieces {
  let fd: number | undefined
  const fill = async (buffer: Buffer, offset: number): Promise<number> => {
    const length = Math.min(buffer.length, size - offset)
    if (length === 0) return 0
    fd ??= openSync(path, constants.O_RDONLY)
    const { bytesRead } = await readAt(fd, buffer, 0, length, offset)
    if (bytesRead === 0) throw new Error(`${path} is shorter than it was.`)
    return bytesRead
  }
  return new LentPieces(fill, () => {
    if (fd !== undefined) closeSync(fd)
  })
}
