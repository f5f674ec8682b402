import { crc32 } from 'node:zlib'
import { newBlobId } from '../../ids.js'

/**
 * A record of a pack: a header of 64 bytes, then the blob's bytes.
 *
 *     0   4  magic
 *     4   4  length of the bytes (big-endian, like all numbers here)
 *     8   6  when the upload began, ms since 1970
 *     14  1  kind: a blob, or a void that was to become one
 *     15  1  length of the space's id
 *     16  16 the blob's id
 *     32  28 the space's id, filled up with zeros
 *     60  4  CRC-32 of the 60 bytes before
 *
 * The id of a blob in a pack says where it is: 12 hex digits of the pack's name, 8 of the record's place in it, 12 random.
 */
export const HEADER_BYTES = 64
/** No body that is larger goes into a pack. */
export const MOST_PACKED = 64 * 1024

export interface PackRecord {
  readonly space: string
  readonly blob: string
  /** Bytes, header not counted. */
  readonly size: number
  /** When the upload began, ms since 1970. */
  readonly time: number
}

/** Headers begin so; it is a blob's record only if all else is right too. */
export const MAGIC = Buffer.from('nvpk')
const BLOB = 1
const VOID = 0
const KIND_AT = 14
const ID_AT = 16
const SPACE_AT = 32
const MOST_SPACE = 28
const CRC_AT = 60

export function packedId(pack: string, at: number): string {
  return pack + at.toString(16).padStart(8, '0') + newBlobId().slice(0, 12)
}

/** The pack that the id names, if it is one of a blob in a pack. */
export function packOf(blob: string): string {
  return blob.slice(0, 12)
}

/** Where the record begins in its pack. */
export function placeOf(blob: string): number {
  return Number.parseInt(blob.slice(12, 20), 16)
}

/** Bytes of a record with its header. */
export function recordBytes(size: number): number {
  return HEADER_BYTES + size
}

/** Headers have room for so much of a name. */
export function fits(space: string): boolean {
  return space.length <= MOST_SPACE
}

export function encodeHeader(record: PackRecord, isVoid = false): Buffer {
  const header = Buffer.alloc(HEADER_BYTES)
  MAGIC.copy(header)
  header.writeUInt32BE(record.size, 4)
  header.writeUIntBE(record.time, 8, 6)
  header[KIND_AT] = isVoid ? VOID : BLOB
  header[KIND_AT + 1] = record.space.length
  header.write(record.blob, ID_AT, 'hex')
  header.write(record.space, SPACE_AT, 'latin1')
  header.writeUInt32BE(crc32(header.subarray(0, CRC_AT)), CRC_AT)
  return header
}

/** What the header at `at` says; undefined where there is none that is whole. */
export function decodeHeader(bytes: Buffer, at = 0): (PackRecord & { readonly isVoid: boolean }) | undefined {
  if (at + HEADER_BYTES > bytes.length || bytes.compare(MAGIC, 0, 4, at, at + 4) !== 0) return undefined
  if (crc32(bytes.subarray(at, at + CRC_AT)) !== bytes.readUInt32BE(at + CRC_AT)) return undefined
  const spaceAt = at + SPACE_AT
  return {
    size: bytes.readUInt32BE(at + 4),
    time: bytes.readUIntBE(at + 8, 6),
    isVoid: bytes[at + KIND_AT] !== BLOB,
    blob: bytes.toString('hex', at + ID_AT, at + SPACE_AT),
    space: bytes.toString('latin1', spaceAt, spaceAt + (bytes[at + KIND_AT + 1] as number)),
  }
}

/** A shorter look at the header at `at`: is its blob one of the space? */
export function isOf(space: string, headers: Buffer, at: number): boolean {
  if (headers[at + KIND_AT + 1] !== space.length) return false
  return headers.toString('latin1', at + SPACE_AT, at + SPACE_AT + space.length) === space
}

/** The place of the record whose header is at `at`. */
export function placeIn(headers: Buffer, at: number): number {
  return headers.readUInt32BE(at + ID_AT + 6)
}
