import type { Attributes, Statistics } from '../../filesystem.js'
import {
  ANSWER_HEADER,
  ATTRIBUTES_ANSWER,
  type Described,
  ENTRY,
  OPENED,
  STATFS,
  WRITTEN,
  writeAttributesAnswer,
  writeEntry,
  writeHeader,
  writeOpened,
  writeStatfs,
  writeWritten,
} from '../protocol/answers.js'
import type { Ownership } from '../stat.js'
import type { Device } from './device.js'
import type { KernelNode } from './node-table.js'

const SMALL = 256

/** Answers requests. Each method says whether somebody took the answer: see `Device.write`. */
export class Answers {
  /** Of all that are small: an answer has been taken when it is written. */
  readonly #small = Buffer.alloc(SMALL)

  constructor(
    private readonly device: Pick<Device, 'write'>,
    readonly owner: Ownership,
    /** How long the kernel may believe names and attributes. */
    public seconds: number,
  ) {}

  /** `errno` is negative. */
  error(unique: number, errno: number): boolean {
    return this.#sendSmall(unique, 0, errno)
  }

  empty(unique: number): boolean {
    return this.#sendSmall(unique, 0)
  }

  entry(unique: number, node: KernelNode, attributes: Attributes): boolean {
    writeEntry(this.#small, ANSWER_HEADER, this.describe(node, attributes), this.owner)
    return this.#sendSmall(unique, ENTRY)
  }

  /** Until the kernel has this answer it keeps everybody else from the folder, so nobody writes to what only `handle` has open. */
  created(unique: number, node: KernelNode, attributes: Attributes, handle: number, flags: number): boolean {
    writeEntry(this.#small, ANSWER_HEADER, this.describe(node, attributes, 1), this.owner)
    writeOpened(this.#small, ANSWER_HEADER + ENTRY, handle, flags)
    return this.#sendSmall(unique, ENTRY + OPENED)
  }

  attributes(unique: number, node: KernelNode, attributes: Attributes): boolean {
    writeAttributesAnswer(this.#small, ANSWER_HEADER, this.describe(node, attributes), this.owner)
    return this.#sendSmall(unique, ATTRIBUTES_ANSWER)
  }

  opened(unique: number, handle: number, flags: number): boolean {
    writeOpened(this.#small, ANSWER_HEADER, handle, flags)
    return this.#sendSmall(unique, OPENED)
  }

  written(unique: number, count: number): boolean {
    writeWritten(this.#small, ANSWER_HEADER, count)
    return this.#sendSmall(unique, WRITTEN)
  }

  statfs(unique: number, statistics: Statistics): boolean {
    writeStatfs(this.#small, ANSWER_HEADER, statistics)
    return this.#sendSmall(unique, STATFS)
  }

  /** `bytes` begin with room for the header and are sent up to `end`. */
  bytes(unique: number, bytes: Buffer, end: number): boolean {
    writeHeader(bytes, end, 0, unique)
    return this.device.write(bytes, end)
  }

  /** A node without a name hears of no changes, so what is told of it counts only now. `own`: handles that nobody has got yet. */
  describe(node: KernelNode, attributes: Attributes, own = 0): Described {
    const isNamed = node.parent !== undefined || node.name === ''
    const isOpen = node.handles.size > own
    return { id: node.id, attributes, isNamed, isOpen, seconds: isNamed ? this.seconds : 0 }
  }

  #sendSmall(unique: number, length: number, error = 0): boolean {
    writeHeader(this.#small, ANSWER_HEADER + length, error, unique)
    return this.device.write(this.#small, ANSWER_HEADER + length)
  }
}
