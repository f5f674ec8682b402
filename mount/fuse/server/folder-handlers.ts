/** Reading folders. */
import type { Attributes, DirectoryEntry } from '../../filesystem.js'
import { Listing } from '../protocol/listing.js'
import { Opcode } from '../protocol/opcodes.js'
import type { KernelRequest } from '../protocol/request.js'
import type { Calls, Handlers } from './calls.js'
import { type KernelNode, ROOT_ID } from './node-table.js'

/** An open folder: its entries as they were when reading began at its start. */
interface OpenFolder {
  entries: readonly DirectoryEntry[] | undefined
}

const SELF: readonly DirectoryEntry[] = [
  { name: '.', kind: 'folder' },
  { name: '..', kind: 'folder' },
]

export function folderHandlers(calls: Calls): Handlers {
  const { fs, table, answers } = calls
  const open = new Map<number, OpenFolder>()
  let last = 0

  function opendir({ unique }: KernelRequest): void {
    last += 1
    open.set(last, { entries: undefined })
    if (!answers.opened(unique, last, 0)) open.delete(last)
  }

  function readdir(request: KernelRequest, plus: boolean): void {
    const { unique } = request
    const node = calls.nodeOf(request)
    if (!node) return
    const [handle, offset, room] = [request.long(0), request.long(8), request.word(16)]
    const folder = open.get(handle)
    const isRead = offset > 0 && folder?.entries !== undefined
    calls.serve<readonly DirectoryEntry[]>({
      what: 'readdir',
      unique,
      node,
      work: (path) => (isRead ? (folder.entries ?? []) : fs.readdir(path)),
      send: (found) => {
        const entries = isRead ? found : [...SELF, ...found]
        if (folder) folder.entries = entries
        return list(unique, node, entries, { offset, room, plus })
      },
    })
  }

  function list(
    unique: number,
    node: KernelNode,
    entries: readonly DirectoryEntry[],
    { offset, room, plus }: { readonly offset: number; readonly room: number; readonly plus: boolean },
  ): boolean {
    const listing = new Listing(room, plus)
    const told: KernelNode[] = []
    const path = table.pathOf(node)
    let asks = plus && path !== undefined
    for (let at = offset; at < entries.length; at++) {
      const { name, kind } = entries[at] as DirectoryEntry
      const nameBytes = Buffer.byteLength(name)
      if (!listing.fits(nameBytes)) break
      const attributes = asks && at >= SELF.length ? known(node, name) : undefined
      asks &&= attributes !== undefined || at < SELF.length
      const next = at + 1
      if (attributes) {
        const child = table.told(node, name, attributes.kind)
        told.push(child)
        const described = { node: answers.describe(child, attributes), owner: answers.owner }
        listing.add(name, nameBytes, attributes.kind, { id: child.id, next }, described)
      } else {
        listing.add(name, nameBytes, kind, { id: idOf(node, name), next })
      }
    }
    const taken = answers.bytes(unique, listing.bytes, listing.end)
    if (!taken) for (const child of told) table.forget(child.id, 1)
    return taken
  }

  /** What is known at once of an entry; who wants more looks it up. */
  function known(node: KernelNode, name: string): Attributes | undefined {
    const path = table.pathIn(node, name)
    if (path === undefined) return undefined
    try {
      const found = fs.getattr(path)
      if (!(found instanceof Promise)) return found
      found.catch(() => {})
    } catch {
      // It has just gone, or cannot be told: so says the look-up.
    }
    return undefined
  }

  function idOf(node: KernelNode, name: string): number | undefined {
    if (name === '.') return node.id
    if (name === '..') return node.parent?.id ?? ROOT_ID
    return node.children.get(name)?.id
  }

  function releasedir(request: KernelRequest): void {
    open.delete(request.long(0))
    answers.empty(request.unique)
  }

  return {
    [Opcode.OPENDIR]: opendir,
    [Opcode.READDIR]: (request) => readdir(request, false),
    [Opcode.READDIRPLUS]: (request) => readdir(request, true),
    [Opcode.RELEASEDIR]: releasedir,
    [Opcode.FSYNCDIR]: ({ unique }) => void answers.empty(unique),
  }
}
