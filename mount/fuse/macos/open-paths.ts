/**
 * Where the open files are, as libfuse has it. libfuse 2.9 forgets the path of what lies in a folder that is removed; when such a file is
 * closed it passes none at all, which fuse-native does not survive. So a folder is not empty while a file in it is open, be it
 * deleted or not (as on NFS).
 */
export class OpenPaths {
  readonly #paths = new Map<number, string>()

  opened(handle: number, path: string): void {
    this.#paths.set(handle, path)
  }

  released(handle: number): void {
    this.#paths.delete(handle)
  }

  /** A file or a folder with all that is in it has another path. */
  moved(from: string, to: string): void {
    for (const [handle, path] of this.#paths) {
      if (path === from) this.#paths.set(handle, to)
      else if (path.startsWith(`${from}/`)) this.#paths.set(handle, to + path.slice(from.length))
    }
  }

  /** One of the handles of the file that is there. */
  handleAt(path: string): number | undefined {
    for (const [handle, there] of this.#paths) if (there === path) return handle
    return undefined
  }

  isAnyBelow(folder: string): boolean {
    for (const path of this.#paths.values()) if (path.startsWith(`${folder}/`)) return true
    return false
  }
}
