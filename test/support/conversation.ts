import { connect } from 'node:net'

/** Many requests on few connections, faster than any HTTP client. Bodies are bytes as latin1. */
export interface Answered {
  readonly status: number
  readonly headers: string
  readonly body: string
}

export interface Asked {
  readonly method: string
  /** The request as it goes out. */
  readonly text: string
}

/** Reads one answer off the front; undefined while it is not whole. */
function takeAnswer(received: string, method: string): { answer: Answered; rest: string } | undefined {
  const end = received.indexOf('\r\n\r\n')
  if (end === -1) return undefined
  const headers = received.slice(0, end)
  const status = Number(headers.slice(9, 12))
  const after = received.slice(end + 4)
  if (method === 'HEAD' || status === 304) return { answer: { status, headers, body: '' }, rest: after }
  const length = /\r\nContent-Length: (\d+)/i.exec(headers)?.[1]
  if (length !== undefined) {
    if (after.length < Number(length)) return undefined
    return {
      answer: { status, headers, body: after.slice(0, Number(length)) },
      rest: after.slice(Number(length)),
    }
  }
  const last = after.startsWith('0\r\n\r\n') ? 0 : after.indexOf('\r\n0\r\n\r\n') + 2
  if (last === 1) return undefined
  return { answer: { status, headers, body: '' }, rest: after.slice(last + 5) }
}

/** Sends the requests at once on one connection; resolves with those that were answered, in order. */
export function converse(port: number, requests: readonly Asked[]): Promise<readonly Answered[]> {
  return new Promise((resolve) => {
    const answers: Answered[] = []
    let received = ''
    const socket = connect(port, '127.0.0.1')
    socket.setEncoding('latin1').on('error', () => {})
    socket.on('data', (text: string) => {
      received += text
      for (let next = requests[answers.length]; next; next = requests[answers.length]) {
        const taken = takeAnswer(received, next.method)
        if (!taken) return
        answers.push(taken.answer)
        received = taken.rest
      }
      socket.end()
    })
    socket.on('close', () => resolve(answers))
    socket.write(requests.map(({ text }) => text).join(''), 'latin1')
  })
}

/** Sends bytes, says that no more will come, and reads until the server closes. */
export function shout(port: number, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    let received = ''
    const socket = connect(port, '127.0.0.1')
    socket.setEncoding('latin1').on('error', () => {})
    socket.on('data', (text: string) => {
      received += text
    })
    socket.on('close', () => resolve(received))
    socket.end(bytes, 'latin1')
  })
}
