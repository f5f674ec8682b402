/** Finds where values of Redis' protocol (RESP2) end: https://redis.io/docs/latest/develop/reference/protocol-spec/ */

/** Offset behind the value that begins at `at`, or undefined while it is incomplete. */
export function valueEnd(data: Buffer, at: number): number | undefined {
  const lineEnd = data.indexOf('\r\n', at)
  if (lineEnd < 0) return undefined
  const behind = lineEnd + 2
  const kind = String.fromCharCode(data[at] as number)
  if (kind !== '$' && kind !== '*') return behind
  const length = Number(data.toString('latin1', at + 1, lineEnd))
  if (length < 0) return behind
  if (kind === '$') {
    const end = behind + length + 2
    return end <= data.length ? end : undefined
  }
  let end: number | undefined = behind
  for (let item = 0; item < length && end !== undefined; item++) end = valueEnd(data, end)
  return end
}

/** Splits what arrives on a connection into whole values. */
export class ValueReader {
  #rest: Buffer = Buffer.alloc(0)

  push(data: Buffer): Buffer[] {
    this.#rest = this.#rest.length === 0 ? data : Buffer.concat([this.#rest, data])
    const values: Buffer[] = []
    let at = 0
    for (let end = valueEnd(this.#rest, at); end !== undefined; end = valueEnd(this.#rest, at)) {
      values.push(this.#rest.subarray(at, end))
      at = end
      if (at === this.#rest.length) break
    }
    this.#rest = this.#rest.subarray(at)
    return values
  }
}

/** The first `count` words of a command. */
export function commandWords(command: Buffer, count: number): string[] {
  const words: string[] = []
  let at = command.indexOf('\r\n') + 2
  while (words.length < count && at < command.length) {
    const begins = command.indexOf('\r\n', at) + 2
    const ends = begins + Number(command.toString('latin1', at + 1, begins - 2))
    words.push(command.toString('utf8', begins, ends))
    at = ends + 2
  }
  return words
}
