/** What a FUSE file system may tell the kernel unasked (linux/fuse.h, "fuse_notify_code"): a header with `unique` 0 and the code as error. */

const HEADER = 16
const INVAL_INODE = 2
const INVAL_ENTRY = 3

/** Attributes and all pages of an inode are no longer to be believed. */
export function invalidateInode(inode: number): Buffer {
  const message = notification(INVAL_INODE, 24)
  message.writeBigUInt64LE(BigInt(inode), HEADER)
  // Offset 0 and length 0 are "from the beginning to the end".
  return message
}

/** Only the attributes are not. */
export function invalidateAttributes(inode: number): Buffer {
  const message = invalidateInode(inode)
  message.writeBigInt64LE(-1n, HEADER + 8)
  return message
}

/** A name in a folder no longer stands for anything. */
export function invalidateEntry(folder: number, name: string): Buffer {
  const bytes = Buffer.from(name)
  const message = notification(INVAL_ENTRY, 16 + bytes.length + 1)
  message.writeBigUInt64LE(BigInt(folder), HEADER)
  message.writeUInt32LE(bytes.length, HEADER + 8)
  bytes.copy(message, HEADER + 16)
  return message
}

function notification(code: number, length: number): Buffer {
  const message = Buffer.alloc(HEADER + length)
  message.writeUInt32LE(message.length, 0)
  message.writeInt32LE(code, 4)
  return message
}
