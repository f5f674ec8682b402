import { Readable } from 'node:stream'
import { extract, type Header } from 'tar-stream'
import type { BlobStore } from '../blobs/store.js'
import { SpaceError } from '../space/errors.js'
import { parsePath } from '../space/names.js'
import type { TreeOperations } from '../space/operations.js'
import { quote } from '../space/quote.js'
import type { Location, OpContext } from '../space/types.js'
import {
  ABOUT,
  type About,
  CONTENT,
  END,
  type End,
  FORMAT,
  JOURNAL,
  type PaxRecords,
  VERSION,
} from './format.js'

type Targets = { readonly spaces: TreeOperations; readonly blobs: BlobStore }

/** `space.json` and `end.json`, and nothing larger, are read whole. */
const MOST_JSON = 1 << 20
const NONE: ReadonlyMap<string, string> = new Map()

/**
 * Fills an empty space with what `export.ts` wrote. The journal of the archive is not replayed: this one is a new space with a
 * journal of its own. Rejects with BAD_REQUEST where the archive is none, or not whole, BAD_DIGEST where bytes are
 * not those that were exported, and with what the space refuses (limits, names). What came until then stays.
 */
export async function importSpace(targets: Targets, op: OpContext, input: Readable): Promise<End> {
  const archive = extract()
  input.once('error', (error) => archive.destroy(error))
  input.pipe(archive as unknown as NodeJS.WritableStream)
  const importer = new Importer(targets, op)
  try {
    for await (const entry of archive) {
      await importer.entry(entry.header, entry as unknown as AsyncIterable<Buffer>)
    }
  } catch (error) {
    if (input.errored) throw error
    if (error instanceof SpaceError && error.code === 'BODY_BROKEN') throw broken('it ends too early', error)
    if (error instanceof SpaceError) throw error
    throw broken((error as Error).message, error)
  } finally {
    input.destroy()
  }
  return importer.finish()
}

class Importer {
  #about: About | undefined
  #end: End | undefined
  /** Their times come at the end: whatever is put into a folder changes it. */
  readonly #folders: Pick<Placed, 'at' | 'modified' | 'properties'>[] = []
  readonly #counts = { files: 0, folders: 0 }
  readonly #targets: Targets
  readonly #op: OpContext

  constructor(targets: Targets, op: OpContext) {
    this.#targets = targets
    this.#op = op
  }

  async entry(header: Header, bytes: AsyncIterable<Buffer>): Promise<void> {
    const { name, type } = header
    if (name === ABOUT) this.#about = await this.#readAbout(bytes)
    else if (!this.#about) throw broken(`it begins with ${quote(name)} and not with ${ABOUT}`)
    else if (name === END) this.#end = await json<End>(name, bytes)
    else if (name.startsWith(JOURNAL)) await skip(bytes)
    else if (!name.startsWith(CONTENT)) throw broken(`${quote(name)} has no place in it`)
    else if (type === 'directory') await this.#folder(header, bytes)
    else if (type === 'file') await this.#file(header, bytes)
    else throw broken(`${quote(name)} is a ${type}`)
  }

  /** What is for when everything has come. */
  async finish(): Promise<End> {
    const { files, folders } = this.#counts
    if (!this.#about || !this.#end) throw broken('it ends too early')
    if (this.#end.files !== files || this.#end.folders !== folders) {
      throw broken(`it has ${files} files and ${folders} folders, and ${END} says otherwise`)
    }
    const { spaces } = this.#targets
    for (const { at, modified, properties = NONE } of this.#folders) {
      await spaces.changeProperties(this.#op, at, { set: properties, modified })
    }
    for (const [key, text] of Object.entries(this.#about.meta)) {
      await spaces.writeMeta(this.#op, key, text)
    }
    return this.#counts
  }

  async #readAbout(bytes: AsyncIterable<Buffer>): Promise<About> {
    const about = await json<About>(ABOUT, bytes)
    if (about.format !== FORMAT || about.version !== VERSION) {
      throw broken(`its format is ${quote(`${about.format} ${about.version}`)}, not "${FORMAT} ${VERSION}"`)
    }
    return about
  }

  async #folder(header: Header, bytes: AsyncIterable<Buffer>): Promise<void> {
    await skip(bytes)
    const folder = placed(header)
    await this.#targets.spaces.mkdir(this.#op, folder.at, { parents: false })
    this.#folders.push(folder)
    this.#counts.folders++
  }

  async #file(header: Header, bytes: AsyncIterable<Buffer>): Promise<void> {
    const { at, modified, properties, pax } = placed(header)
    const { spaces, blobs } = this.#targets
    const { space, limits } = this.#op
    const size = header.size
    const body = size === 0 ? new Uint8Array() : Readable.from(bytes)
    if (size === 0) await skip(bytes)
    const blob = await blobs.put(space, body, {
      limit: limits.fileBytes,
      length: size,
      verify: ({ md5 }) => {
        if (md5 === pax['NOVEM.md5']) return
        throw new SpaceError(
          'BAD_DIGEST',
          `The bytes of ${quote(header.name)} are not those that were exported.`,
        )
      },
    })
    try {
      await spaces.write(this.#op, at, blob, {
        parents: false,
        contentType: pax['NOVEM.content-type'] ?? 'application/octet-stream',
        modified,
        executable: (header.mode & 0o100) !== 0,
        ...(properties && { properties }),
      })
    } catch (error) {
      const isUnknown = error instanceof SpaceError && error.code === 'UNAVAILABLE'
      if (!isUnknown) await blobs.discard(space, blob.id)
      throw error
    }
    await blobs.settle(space, blob.id)
    this.#counts.files++
  }
}

interface Placed {
  readonly at: Location
  readonly modified: number
  readonly properties?: ReadonlyMap<string, string>
  readonly pax: Partial<PaxRecords>
}

/** Where an entry belongs. BAD_PATH, BAD_NAME as anywhere. */
function placed({ name, mtime, pax: records }: Header): Placed {
  const pax = (records ?? {}) as Partial<PaxRecords>
  const seconds = Number(pax.mtime)
  const properties = pax['NOVEM.properties']
  return {
    at: { path: parsePath(name.slice(CONTENT.length).replace(/\/$/, '')) },
    modified: Number.isFinite(seconds) ? Math.round(seconds * 1000) : mtime.getTime(),
    ...(properties !== undefined && {
      properties: new Map(Object.entries(parsed<Record<string, string>>(name, properties))),
    }),
    pax,
  }
}

async function json<T>(name: string, bytes: AsyncIterable<Buffer>): Promise<T> {
  let text = ''
  for await (const chunk of bytes) {
    text += chunk.toString('latin1')
    if (text.length > MOST_JSON) throw broken(`${name} is longer than ${MOST_JSON} bytes`)
  }
  return parsed(name, Buffer.from(text, 'latin1').toString('utf8'))
}

function parsed<T>(name: string, text: string): T {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw broken(`${quote(name)} holds no valid JSON`, cause)
  }
}

async function skip(bytes: AsyncIterable<Buffer>): Promise<void> {
  for await (const _ of bytes);
}

function broken(why: string, cause?: unknown): SpaceError {
  return new SpaceError('BAD_REQUEST', `The archive is no whole export of a space: ${why}.`, {}, { cause })
}
