/** Server-sent events (HTML standard, "Server-sent events"), as far as the journal's stream uses them. */
import { StringDecoder } from 'node:string_decoder'

export interface Event {
  /** 'message' unless the server named it. */
  readonly type: string
  readonly data: string
}

/** Takes the stream apart as it comes. Comments, retry times and ids make no event. */
export class EventReader {
  readonly #decoder = new StringDecoder('utf8')
  #rest = ''

  push(chunk: Buffer): Event[] {
    const blocks = (this.#rest + this.#decoder.write(chunk)).split('\n\n')
    this.#rest = blocks.pop() ?? ''
    return blocks.flatMap(eventOf)
  }
}

function eventOf(block: string): Event[] {
  let type = 'message'
  let data: string | undefined
  for (const line of block.split('\n')) {
    const [, field, value = ''] = /^(event|data): ?(.*)$/.exec(line) ?? []
    if (field === 'event') type = value
    else if (field === 'data') data = data === undefined ? value : `${data}\n${value}`
  }
  return data === undefined ? [] : [{ type, data }]
}
