import { Recent } from '../../../recent.js'
import { tooShort } from '../../ranges.js'
import { errno } from '../failure.js'
import { close, fstat, open, readFully } from '../files.js'
import type { PackFolder } from './folder.js'
import {
  decodeHeader,
  HEADER_BYTES,
  MOST_PACKED,
  type PackRecord,
  packOf,
  placeIn,
  placeOf,
  recordBytes,
} from './record.js'
import { type Scan, scan } from './scan.js'

/** Packs that are kept open. */
const MOST_OPEN = 128
/** Memory for the headers of packs that were scanned. */
const MOST_HEADERS = 64 * 1024 * 1024

interface OpenedPack {
  readonly fd: Promise<number>
  users: number
  /** Nobody shall use it any more: it is closed when the last user is done. */
  dropped: boolean
}

/** Of a pack: the headers of its records up to a place where one ends. */
interface Beginning {
  readonly headers: Buffer
  readonly end: number
}

/** Reads packs, one's own and those of other processes, through descriptors that are kept open. */
export class PackReader {
  readonly #folder: PackFolder
  readonly #known = new Set<string>()
  /** The one used longest ago comes first. */
  readonly #opened = new Map<string, OpenedPack>()
  readonly #scans = new Recent<Beginning>(MOST_HEADERS, ({ headers }) => 1000 + headers.length)

  constructor(folder: PackFolder) {
    this.#folder = folder
  }

  /** The blob's id may be that of one in a pack that was seen. */
  knows(blob: string): boolean {
    return this.#known.has(packOf(blob))
  }

  learn(pack: string): void {
    this.#known.add(pack)
  }

  /** Sees which packs there are now. */
  async look(): Promise<void> {
    const before = [...this.#known, ...this.#opened.keys()]
    const there = new Set((await this.#folder.names()).packs)
    for (const pack of before) if (!there.has(pack)) this.forget(pack)
    for (const pack of there) this.#known.add(pack)
  }

  /** The pack is no more. */
  forget(pack: string): void {
    this.#known.delete(pack)
    this.#scans.delete(pack)
    this.#drop(pack)
  }

  /** Bytes of a blob from `start` on; undefined where it is not in its pack. Raises CORRUPT where it is shorter than that. */
  async read(space: string, blob: string, start: number, length: number): Promise<Buffer | undefined> {
    // Nothing in a pack is larger: then its header says how much too short it is.
    const wanted = start + length <= MOST_PACKED ? start + length : 0
    return this.use(packOf(blob), async (fd) => {
      // Not from Node's shared pool: the bytes may be cached, and would pin the pool's neighbours.
      const bytes = Buffer.allocUnsafeSlow(HEADER_BYTES + wanted)
      const got = await readFully(fd, bytes, placeOf(blob))
      const header = headerOf(bytes.subarray(0, got), space, blob)
      if (header === undefined) return undefined
      if (start + length > header.size) throw tooShort(blob, header.size)
      if (got < bytes.length) throw tooShort(blob, got - HEADER_BYTES)
      return bytes.subarray(HEADER_BYTES + start)
    })
  }

  /** Bytes that a blob has; undefined where it is not in its pack. */
  async size(space: string, blob: string): Promise<number | undefined> {
    return this.use(packOf(blob), async (fd) => {
      const bytes = Buffer.allocUnsafe(HEADER_BYTES)
      const got = await readFully(fd, bytes, placeOf(blob))
      const header = headerOf(bytes.subarray(0, got), space, blob)
      if (header === undefined) return undefined
      return Math.min(header.size, (await fstat(fd)).size - placeOf(blob) - HEADER_BYTES)
    })
  }

  /**
   * What lies in a pack; undefined where it is no more. Records before `decided` are not read again next time; those behind it may
   * yet be taken back.
   */
  async scan(pack: string, decided: number): Promise<Scan | undefined> {
    const known = this.#scans.get(pack)
    return this.use(pack, async (fd) => {
      const rest = await scan(fd, pack, known?.end ?? 0)
      const headers = Buffer.concat([known?.headers ?? NOTHING, rest.headers])
      this.#scans.set(pack, beginning(headers, Math.min(decided, rest.solidEnd)))
      return { ...rest, headers }
    })
  }

  /** The whole of a record that a scan has found; undefined where it cannot be read as that any more. */
  async whole(fd: number, { space, blob, size }: PackRecord): Promise<Buffer | undefined> {
    const bytes = Buffer.allocUnsafeSlow(recordBytes(size))
    const got = await readFully(fd, bytes, placeOf(blob))
    if (got < bytes.length || headerOf(bytes, space, blob)?.size !== size) return undefined
    return bytes.subarray(HEADER_BYTES)
  }

  /** Runs `run` on the open pack; resolves to undefined where it is no more. */
  async use<T>(pack: string, run: (fd: number) => Promise<T>): Promise<T | undefined> {
    const opened = this.#open(pack)
    opened.users++
    try {
      const fd = await opened.fd.catch((error: unknown) => {
        this.#drop(pack, opened)
        if (errno(error) !== 'ENOENT') throw error
        this.forget(pack)
      })
      return fd === undefined ? undefined : await run(fd)
    } finally {
      opened.users--
      closeUnused(opened)
    }
  }

  close(): void {
    for (const pack of [...this.#opened.keys()]) this.#drop(pack)
    this.#known.clear()
  }

  #open(pack: string): OpenedPack {
    const known = this.#opened.get(pack)
    const opened = known ?? { fd: open(this.#folder.pack(pack), 'r'), users: 0, dropped: false }
    this.#opened.delete(pack)
    this.#opened.set(pack, opened)
    if (this.#opened.size > MOST_OPEN) {
      const [oldest] = this.#opened.keys()
      if (oldest !== undefined) this.#drop(oldest)
    }
    return opened
  }

  #drop(pack: string, which = this.#opened.get(pack)): void {
    if (which === undefined) return
    if (this.#opened.get(pack) === which) this.#opened.delete(pack)
    which.dropped = true
    closeUnused(which)
  }
}

const NOTHING = Buffer.alloc(0)

function beginning(headers: Buffer, end: number): Beginning {
  let bytes = headers.length
  while (bytes > 0 && placeIn(headers, bytes - HEADER_BYTES) >= end) bytes -= HEADER_BYTES
  return { headers: headers.subarray(0, bytes), end }
}

function closeUnused(pack: OpenedPack): void {
  if (!pack.dropped || pack.users > 0) return
  pack.dropped = false
  pack.fd.then(close).catch(() => {})
}

function headerOf(bytes: Buffer, space: string, blob: string): PackRecord | undefined {
  const header = decodeHeader(bytes)
  return header && !header.isVoid && header.space === space && header.blob === blob ? header : undefined
}
