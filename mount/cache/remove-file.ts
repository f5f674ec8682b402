import { unlinkSync } from 'node:fs'

/** Removes a file, if it is there: one system call, where `rmSync` makes three and throws away a stack trace. */
export function removeFile(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}
