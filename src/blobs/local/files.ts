import * as fs from 'node:fs'
import { promisify } from 'node:util'

/**
 * The system calls the store makes, as promises on plain descriptors. `fs/promises` wraps each descriptor in an object
 * with a finaliser, which costs a small file as much as one of its system calls.
 */
export const open = promisify(fs.open)
export const close = promisify(fs.close)
export const fdatasync = promisify(fs.fdatasync)
export const fsync = promisify(fs.fsync)
export const fstat = promisify(fs.fstat)
export const futimes = promisify(fs.futimes)
export const rename = promisify(fs.rename)
export const unlink = promisify(fs.unlink)
export const utimes = promisify(fs.utimes)
const read = promisify(fs.read)
const writev: (
  fd: number,
  chunks: readonly Uint8Array[],
  position: number | undefined,
) => Promise<{ bytesWritten: number }> = promisify(fs.writev)

/** Writes all of `chunks`, at `position` or where the descriptor is; the kernel may take less than it was offered. */
export async function writeAll(fd: number, chunks: readonly Uint8Array[], position?: number): Promise<void> {
  let at = position
  for (let rest = unwritten(chunks, 0); rest.length > 0; ) {
    const { bytesWritten } = await writev(fd, rest, at)
    rest = unwritten(rest, bytesWritten)
    if (at !== undefined) at += bytesWritten
  }
}

/** What is left of `chunks` once their first `written` bytes are written. */
export function unwritten(chunks: readonly Uint8Array[], written: number): Uint8Array[] {
  const rest: Uint8Array[] = []
  let left = written
  for (const chunk of chunks) {
    if (left < chunk.byteLength) rest.push(left > 0 ? chunk.subarray(left) : chunk)
    left = Math.max(0, left - chunk.byteLength)
  }
  return rest
}

/** Fills `buffer` from `position` on; resolves to the bytes read, fewer only at the end of the file. */
export async function readFully(fd: number, buffer: Buffer, position: number): Promise<number> {
  let done = 0
  while (done < buffer.length) {
    const { bytesRead } = await read(fd, buffer, done, buffer.length - done, position + done)
    if (bytesRead === 0) break
    done += bytesRead
  }
  return done
}

/** The same on the spot. */
export function readFullySync(fd: number, buffer: Buffer, position: number): number {
  let done = 0
  while (done < buffer.length) {
    const bytesRead = fs.readSync(fd, buffer, done, buffer.length - done, position + done)
    if (bytesRead === 0) break
    done += bytesRead
  }
  return done
}
