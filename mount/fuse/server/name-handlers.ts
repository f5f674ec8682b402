/** What changes or looks up names. */
import { type Attributes, FileSystemError } from '../../filesystem.js'
import { errnoNumber } from '../errno.js'
import { KEEP_CACHE } from '../protocol/answers.js'
import { Opcode } from '../protocol/opcodes.js'
import type { KernelRequest, Name } from '../protocol/request.js'
import { after, type Calls, type Handlers } from './calls.js'
import type { KernelNode } from './node-table.js'

/** RENAME_NOREPLACE (linux/fs.h). */
const NO_REPLACE = 1 << 0

interface Created {
  readonly handle: number
  readonly attributes: Attributes
}

export function nameHandlers(calls: Calls): Handlers {
  const { fs, table, answers } = calls

  /** An entry that is there. */
  function told(unique: number, node: KernelNode, attributes: Attributes): boolean {
    const taken = answers.entry(unique, node, attributes)
    if (!taken) table.forget(node.id, 1)
    return taken
  }

  /** The folder and the name of what is to be made; undefined: that is impossible, and was answered. */
  function newPlace(request: KernelRequest, name: Name): KernelNode | undefined {
    if (name.isValid) return calls.nodeOf(request)
    answers.error(request.unique, errnoNumber('EINVAL'))
    return undefined
  }

  function lookUp(request: KernelRequest): void {
    const { unique } = request
    const { text: name, isValid } = request.name(0)
    const node = calls.nodeOf(request)
    if (!node) return
    if (!isValid) {
      answers.error(unique, errnoNumber('ENOENT'))
      return
    }
    calls.serve({
      what: 'lookup',
      unique,
      node,
      name,
      work: (path) => fs.getattr(path),
      send: (attributes) => told(unique, table.told(node, name, attributes.kind), attributes),
    })
  }

  function create(request: KernelRequest): void {
    const { unique } = request
    const [flags, mode, name] = [request.word(0), request.word(4), request.name(16)]
    const node = newPlace(request, name)
    if (!node) return
    calls.serve<Created>({
      what: 'create',
      unique,
      node,
      name: name.text,
      work: async (path) => {
        const handle = await fs.create(path, mode, flags)
        try {
          return { handle, attributes: await fs.getattr(path, handle) }
        } catch (error) {
          await fs.release(handle)
          throw error
        }
      },
      send: ({ handle, attributes }) => {
        const made = table.toldNew(node, name.text, 'file')
        made.handles.add(handle)
        if (answers.created(unique, made, attributes, handle, KEEP_CACHE)) return true
        made.handles.delete(handle)
        table.forget(made.id, 1)
        return false
      },
      undo: ({ handle }) => fs.release(handle),
    })
  }

  function mkdir(request: KernelRequest): void {
    const { unique } = request
    const [mode, name] = [request.word(0), request.name(8)]
    const node = newPlace(request, name)
    if (!node) return
    calls.serve<Attributes>({
      what: 'mkdir',
      unique,
      node,
      name: name.text,
      work: (path) => after(fs.mkdir(path, mode), () => fs.getattr(path)),
      send: (attributes) => told(unique, table.toldNew(node, name.text, 'folder'), attributes),
    })
  }

  function remove(request: KernelRequest, what: 'unlink' | 'rmdir'): void {
    const { unique } = request
    const name = request.name(0).text
    const node = calls.nodeOf(request)
    if (!node) return
    calls.serve<void>({
      what,
      unique,
      node,
      name,
      work: (path) => after(fs[what](path), () => void table.unlink(node, name)),
      send: () => answers.empty(unique),
    })
  }

  /** `struct fuse_rename_in`: the folder, then both names. */
  function rename(request: KernelRequest): void {
    move(request, 8, false)
  }

  /** `struct fuse_rename2_in` has flags (renameat2(2)) in between. A space can move one entry in one step, not exchange two. */
  function renameByFlags(request: KernelRequest): void {
    if (request.word(8) === NO_REPLACE) move(request, 16, true)
    else answers.error(request.unique, errnoNumber('EINVAL'))
  }

  function move(request: KernelRequest, at: number, unlessThere: boolean): void {
    const { unique } = request
    const name = request.name(at)
    const newName = request.name(name.next)
    const node = newPlace(request, newName)
    const folder = node && calls.nodeOf(request, request.long(0))
    if (!folder) return
    calls.serve<void>({
      what: 'rename',
      unique,
      node,
      name: name.text,
      work: (from) => {
        const to = table.pathIn(folder, newName.text)
        if (to === undefined) throw new FileSystemError('ESTALE', `The folder for ${from} is gone.`)
        const renamed = fs.rename(from, to, unlessThere)
        return after(renamed, () => table.rename(node, name.text, folder, newName.text))
      },
      send: () => answers.empty(unique),
    })
  }

  /** A space has neither links of either sort nor devices. */
  const refuse = ({ unique }: KernelRequest) => void answers.error(unique, errnoNumber('EPERM'))

  return {
    [Opcode.LOOKUP]: lookUp,
    [Opcode.CREATE]: create,
    [Opcode.MKDIR]: mkdir,
    [Opcode.UNLINK]: (request) => remove(request, 'unlink'),
    [Opcode.RMDIR]: (request) => remove(request, 'rmdir'),
    [Opcode.RENAME]: rename,
    [Opcode.RENAME2]: renameByFlags,
    [Opcode.LINK]: refuse,
    [Opcode.SYMLINK]: refuse,
    [Opcode.MKNOD]: refuse,
  }
}
