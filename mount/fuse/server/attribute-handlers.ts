import { type Attributes, FileSystemError } from '../../filesystem.js'
import { Opcode } from '../protocol/opcodes.js'
import type { KernelRequest } from '../protocol/request.js'
import type { Calls, Handlers } from './calls.js'
import type { KernelNode } from './node-table.js'

/** `getattr_flags`: a handle is given. */
const BY_HANDLE = 1
/** What SETATTR sets (linux/fuse.h, FATTR_…). */
const MODE = 1 << 0
const UID = 1 << 1
const GID = 1 << 2
const SIZE = 1 << 3
const MODIFIED = 1 << 5
const HANDLE = 1 << 6
const MODIFIED_NOW = 1 << 8

const SECOND = 1000
const NANOSECONDS = 1_000_000

/** What is to be changed of a node; what is absent stays. */
interface Change {
  readonly mode: number | undefined
  readonly uid: number | undefined
  readonly gid: number | undefined
  readonly size: number | undefined
  readonly modified: number | undefined
}

export function attributeHandlers(calls: Calls): Handlers {
  const { fs, answers } = calls

  function getattr(request: KernelRequest): void {
    const { unique } = request
    const node = calls.nodeOf(request)
    if (!node) return
    calls.serve({
      what: 'getattr',
      unique,
      node,
      handle: (request.word(0) & BY_HANDLE) === 0 ? undefined : request.long(8),
      work: (path, handle) => fs.getattr(path, handle),
      send: (attributes) => answers.attributes(unique, node, attributes),
    })
  }

  function setattr(request: KernelRequest): void {
    const { unique } = request
    const node = calls.nodeOf(request)
    if (!node) return
    const change = changeOf(request)
    calls.serve<Attributes>({
      what: 'setattr',
      unique,
      node,
      handle: (request.word(0) & HANDLE) === 0 ? undefined : request.long(8),
      work: (path, handle) => apply(change, node, path, handle),
      send: (attributes) => answers.attributes(unique, node, attributes),
    })
  }

  /** By path, as long as it has one: the FileSystem then knows by which. Bytes are cut by the handle. */
  async function apply(
    { mode, uid, gid, size, modified }: Change,
    node: KernelNode,
    path: string,
    handle: number | undefined,
  ): Promise<Attributes> {
    const only = calls.table.pathOf(node) === undefined ? handle : undefined
    checkOwner(path, uid, gid)
    if (mode !== undefined) await fs.chmod(path, mode, only)
    if (size !== undefined) await fs.truncate(path, size, handle)
    if (modified !== undefined) await fs.utimens(path, modified, only)
    return fs.getattr(path, handle)
  }

  /** Nothing has another owner than the one shown, so only that one may be asked for. */
  function checkOwner(path: string, uid: number | undefined, gid: number | undefined): void {
    const { owner } = answers
    if ((uid ?? owner.uid) === owner.uid && (gid ?? owner.gid) === owner.gid) return
    throw new FileSystemError('EPERM', `${path} cannot be given to ${uid}:${gid}: a space keeps no owners.`)
  }

  function statfs({ unique }: KernelRequest): void {
    calls.serve({
      what: 'statfs',
      unique,
      node: calls.table.root,
      work: () => fs.statfs(),
      send: (statistics) => answers.statfs(unique, statistics),
    })
  }

  return { [Opcode.GETATTR]: getattr, [Opcode.SETATTR]: setattr, [Opcode.STATFS]: statfs }
}

/** `struct fuse_setattr_in`. Access times are not kept. */
function changeOf(request: KernelRequest): Change {
  const set = request.word(0)
  const modified =
    set & MODIFIED_NOW ? Date.now() : request.long(40) * SECOND + request.word(60) / NANOSECONDS
  return {
    mode: set & MODE ? request.word(68) : undefined,
    uid: set & UID ? request.word(76) : undefined,
    gid: set & GID ? request.word(80) : undefined,
    size: set & SIZE ? request.long(16) : undefined,
    modified: set & MODIFIED ? Math.floor(modified) : undefined,
  }
}
