import type { Attributes } from '../../filesystem.js'
import type { Ownership } from '../stat.js'
import { ANSWER_HEADER, type Described, ENTRY, writeEntry } from './answers.js'
import { writeLong } from './numbers.js'

/** `struct fuse_dirent` without its name. */
const ENTRY_HEAD = 24
const TYPES: Readonly<Record<Attributes['kind'], number>> = { folder: 4, file: 8 }
/** What readdir(3) is told of a node that has no id yet, as libfuse has it. */
const UNKNOWN = 0xffff_ffff

/** Entries of a folder, as many as the kernel has room for: the answer of READDIR and READDIRPLUS. */
export class Listing {
  readonly bytes: Buffer
  #end = ANSWER_HEADER

  /** `most`: the room. `plus`: with attributes, which have their place before each entry. */
  constructor(
    most: number,
    private readonly plus: boolean,
  ) {
    this.bytes = Buffer.allocUnsafe(ANSWER_HEADER + most)
  }

  get end(): number {
    return this.#end
  }

  /** Is there room for an entry with this name? It has `Buffer.byteLength` bytes. */
  fits(nameBytes: number): boolean {
    return this.#end + this.#sizeOf(nameBytes) <= this.bytes.length
  }

  /** `next`: where reading goes on after it. `described`: absent where only the name is told. */
  add(
    name: string,
    nameBytes: number,
    kind: Attributes['kind'],
    { id = UNKNOWN, next }: { readonly id: number | undefined; readonly next: number },
    described?: { readonly node: Described; readonly owner: Ownership },
  ): void {
    const size = this.#sizeOf(nameBytes)
    const { bytes } = this
    let at = this.#end
    bytes.fill(0, at, at + size)
    if (described) writeEntry(bytes, at, described.node, described.owner)
    if (this.plus) at += ENTRY
    writeLong(bytes, id, at)
    writeLong(bytes, next, at + 8)
    bytes.writeUInt32LE(nameBytes, at + 16)
    bytes.writeUInt32LE(TYPES[kind], at + 20)
    bytes.write(name, at + ENTRY_HEAD)
    this.#end += size
  }

  /** Each begins at a multiple of eight bytes. */
  #sizeOf(nameBytes: number): number {
    return (this.plus ? ENTRY : 0) + Math.ceil((ENTRY_HEAD + nameBytes) / 8) * 8
  }
}
