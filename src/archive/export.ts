import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Header, type Pack, pack } from 'tar-stream'
import type { BlobStore } from '../blobs/store.js'
import { SpaceError } from '../space/errors.js'
import { ROOT } from '../space/names.js'
import type { Properties, TreeOperations } from '../space/operations.js'
import type { Entry, FileEntry, OpContext } from '../space/types.js'
import {
  ABOUT,
  type About,
  CONTENT,
  END,
  type End,
  EXECUTABLE,
  FORMAT,
  JOURNAL,
  JOURNAL_ROWS,
  type PaxRecords,
  PLAIN,
  VERSION,
} from './format.js'

type Sink = ReturnType<Pack['entry']>
type Sources = { readonly spaces: TreeOperations; readonly blobs: BlobStore }

/**
 * Writes a space as a tar (`format.ts`), in bounded memory, and ends `out`. Up to 10,000 entries it is the space as it was at one
 * instant; a larger one must rest meanwhile, else BUSY. Rejects with whatever `out` fails with.
 */
export async function exportSpace(
  sources: Sources,
  op: OpContext,
  name: string,
  out: Writable,
): Promise<End> {
  const archive = pack()
  // Whoever reads it hears of that.
  archive.on('error', () => {})
  const written = new Exporter(sources, op, archive).run(name)
  written.catch((error) => archive.destroy(error))
  const [end] = await Promise.all([written, pipeline(Readable.from(archive), out)])
  return end
}

class Exporter {
  constructor(
    readonly sources: Sources,
    readonly op: OpContext,
    readonly archive: Pack,
  ) {}

  async run(name: string): Promise<End> {
    const { spaces } = this.sources
    const { meta } = await spaces.readMeta(this.op)
    const { folder, mark, exact, batches } = await spaces.tree(this.op, { path: ROOT })
    await this.#json(ABOUT, {
      format: FORMAT,
      version: VERSION,
      name,
      epoch: mark.epoch,
      seq: mark.seq,
      exported_on: new Date().toISOString(),
      meta: Object.fromEntries(Object.entries(meta).map(([key, { text }]) => [key, text])),
    } satisfies About)
    const end = { files: 0, folders: 0 }
    for await (const batch of batches) {
      const having = batch.filter(({ hasProperties }) => hasProperties).map(({ id }) => id)
      const properties = having.length > 0 ? await spaces.properties(this.op, having) : undefined
      for (const entry of batch) {
        await this.#entry(entry, properties?.get(entry.id))
        end[entry.kind === 'file' ? 'files' : 'folders']++
      }
    }
    if (!exact && (await spaces.stat(this.op, { path: ROOT })).entry.etag !== folder.etag) throw changed(name)
    await this.#journal(mark.seq)
    await this.#json(END, end)
    this.archive.finalize()
    return end
  }

  async #entry(entry: Entry, properties: Properties | undefined): Promise<void> {
    const pax: PaxRecords = {
      mtime: (entry.modified / 1000).toFixed(3),
      ...(entry.kind === 'file' && { 'NOVEM.content-type': entry.contentType, 'NOVEM.md5': entry.md5 }),
      ...(properties && { 'NOVEM.properties': JSON.stringify(Object.fromEntries(properties)) }),
    }
    const common = { mtime: new Date(entry.modified), pax }
    if (entry.kind === 'folder') {
      await this.#whole(
        { ...common, name: `${CONTENT}${entry.path}/`, type: 'directory', mode: EXECUTABLE },
        '',
      )
    } else {
      const mode = entry.executable ? EXECUTABLE : PLAIN
      await this.#file({ ...common, name: CONTENT + entry.path, size: entry.size, mode }, entry)
    }
  }

  async #file(
    header: Partial<Header> & Pick<Header, 'name'>,
    { blob, size, path }: FileEntry,
  ): Promise<void> {
    if (size === 0) return this.#whole(header, '')
    const bytes = await this.#open(blob, size, path)
    let sink: Sink | undefined
    const done = new Promise<void>((resolve, reject) => {
      sink = this.archive.entry(header, (error) => (error ? reject(error) : resolve()))
      sink.on('error', reject)
    })
    try {
      await Promise.all([done, pump(bytes, sink as Sink)])
    } finally {
      bytes.destroy()
    }
  }

  /** The bytes of a file that was deleted go some minutes later. */
  async #open(blob: string, size: number, path: string) {
    try {
      return await this.sources.blobs.get(this.op.space, blob, { start: 0, end: size - 1 })
    } catch (error) {
      if (!(error instanceof SpaceError) || error.code !== 'CORRUPT') throw error
      throw changed(path, error)
    }
  }

  async #journal(last: number): Promise<void> {
    for (let since = 0; since < last; ) {
      const { changes } = await this.sources.spaces.changes(this.op, { since, limit: JOURNAL_ROWS })
      const rows = changes.filter(({ seq }) => seq <= last)
      if (rows.length === 0) return
      const text = rows.map((row) => `${JSON.stringify(row)}\n`).join('')
      await this.#whole({ name: `${JOURNAL}${String(since + 1).padStart(15, '0')}.ndjson` }, text)
      since = rows.at(-1)?.seq as number
    }
  }

  #json(name: string, value: object): Promise<void> {
    return this.#whole({ name }, `${JSON.stringify(value, null, 2)}\n`)
  }

  async #whole(header: Partial<Header> & Pick<Header, 'name'>, text: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.archive.entry(header, text, (error) => (error ? reject(error) : resolve()))
    })
  }
}

async function pump(bytes: Readable, sink: Sink): Promise<void> {
  for await (const chunk of bytes) if (!sink.write(chunk)) await drained(sink)
  sink.end(undefined)
}

/** It takes more, or nobody reads the archive any longer. */
function drained(sink: Sink): Promise<void> {
  return new Promise((resolve, reject) => {
    const onDrain = () => {
      sink.off('close', onClose)
      resolve()
    }
    const onClose = () => reject(new Error('The archive was not read to its end.'))
    sink.once('drain', onDrain)
    sink.once('close', onClose)
  })
}

function changed(what: string, cause?: Error): SpaceError {
  return new SpaceError('BUSY', `"${what}" was changed while it was exported; try again.`, {}, { cause })
}
