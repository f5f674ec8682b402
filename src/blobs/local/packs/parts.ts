import type { Layout } from '../layout.js'
import type { PromptCalls } from '../prompt.js'
import type { PackFolder } from './folder.js'
import type { GoneLists } from './gone.js'
import type { PackReader } from './reader.js'
import type { PackRecord } from './record.js'
import type { PackSettings } from './settings.js'
import { writeOut } from './write-out.js'

/** What all that deals with packs has in common. */
export interface PackParts {
  readonly layout: Layout
  readonly folder: PackFolder
  readonly reader: PackReader
  readonly gone: GoneLists
  readonly prompt: PromptCalls
  readonly settings: PackSettings
  /** Bytes and names are on disk before anybody counts on them. */
  readonly durable: boolean
  /** Makes the names in `pending/` durable, where they are to be. */
  readonly syncPending: () => Promise<void>
}

/**
 * The blob of an undecided record gets a file in `pending/`, as a larger one has. It says when the upload began: the ledger looks
 * no further back than that.
 */
export async function notePending(parts: PackParts, record: PackRecord, bytes: Buffer): Promise<void> {
  const { folder, layout, durable } = parts
  const target = layout.places(record.space, record.blob).pending
  await writeOut({ folder, bytes, target, durable, time: record.time })
}
