/** Counts bytes that JavaScript copies from buffer to buffer. What Node does below that is not seen. */

let copied = 0

const { concat, from } = Buffer
const { copy } = Buffer.prototype
const { set, slice } = Uint8Array.prototype

Buffer.concat = (list, length) => {
  const all = concat(list, length)
  copied += all.byteLength
  return all
}
Buffer.from = ((value: unknown, ...rest: unknown[]) => {
  if (ArrayBuffer.isView(value)) copied += value.byteLength
  return (from as (...args: unknown[]) => Buffer)(value, ...rest)
}) as typeof Buffer.from
Buffer.prototype.copy = function (...args: Parameters<typeof copy>) {
  const count = copy.apply(this, args)
  copied += count
  return count
}
Uint8Array.prototype.set = function (array, offset) {
  copied += array.length
  set.call(this, array, offset)
}
Uint8Array.prototype.slice = function (...args: Parameters<typeof slice>) {
  const part = slice.apply(this, args)
  copied += part.byteLength
  return part
}

/** Bytes copied while `run` ran. */
export async function bytesCopied(run: () => Promise<unknown>): Promise<number> {
  const before = copied
  await run()
  return copied - before
}
