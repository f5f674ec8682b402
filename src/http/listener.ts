/** The one `node:http` server below all surfaces, and what it answers where no surface is reached. */
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { quote } from '../space/quote.js'
import { JSON_TYPE } from './answer.js'

const HEADER_BYTES = 32 * 1024
const HEADERS_TIMEOUT_MS = 30_000
const KEEP_ALIVE_MS = 75_000

export interface ListenerOptions {
  readonly idleTimeoutMs: number
}

/**
 * Time-outs: headers must come within 30 s, and something must move within `idleTimeoutMs`; how long a whole body may take
 * is not limited, since a slow line is no fault.
 */
export function createListener(handler: RequestListener, { idleTimeoutMs }: ListenerOptions): Server {
  const server = createServer(
    {
      maxHeaderSize: HEADER_BYTES,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: 0,
      keepAliveTimeout: KEEP_ALIVE_MS,
      // Node would answer without a body; `app.ts` says it in our envelope.
      requireHostHeader: false,
      noDelay: true,
    },
    handler,
  )
  server.timeout = idleTimeoutMs
  // Node would leave out the rest without a word, perhaps the precondition; their bytes are limited already.
  server.maxHeadersCount = 0
  server.on('clientError', refuse)
  // RFC 9110 §10.1.1: whoever wants the body asks for it, after the checks.
  server.on('checkContinue', handler)
  server.on('checkExpectation', (req, res: ServerResponse) => {
    const body = JSON.stringify({
      message: `The expectation "${req.headers.expect}" cannot be met; only 100-continue can.`,
    })
    res.writeHead(417, {
      'Content-Type': JSON_TYPE,
      'Content-Length': Buffer.byteLength(body),
      Connection: 'close',
    })
    res.end(body)
  })
  server.on('connect', (_req, socket) => {
    socket.end(rawAnswer('405 Method Not Allowed', 'The method CONNECT is for proxies, and this is none.'))
  })
  return server
}

type ParseError = Error & {
  readonly code?: string
  readonly reason?: string
  readonly rawPacket?: Buffer
  readonly bytesParsed?: number
}

/** What the parser refuses never becomes a request: the answer is written by hand. */
function refuse(error: ParseError, socket: Socket): void {
  const answering = (socket as { _httpMessage?: ServerResponse | null })._httpMessage
  if (error.code === 'ECONNRESET' || !socket.writable || answering?.headersSent) {
    socket.destroy()
    return
  }
  socket.end(clientErrorAnswer(error))
}

function clientErrorAnswer(error: ParseError): string {
  const { code, reason } = error
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return rawAnswer(
        '431 Request Header Fields Too Large',
        `The request line and headers are over the limit of ${HEADER_BYTES} bytes.`,
      )
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return rawAnswer('413 Payload Too Large', 'The chunk extensions of the body are over the limit.')
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return rawAnswer('408 Request Timeout', 'The headers of the request did not come in time.')
    default:
      return rawAnswer('400 Bad Request', `The request is not HTTP/1.1: ${reason ?? code}${near(error)}.`)
  }
}

/** What the parser stumbled over. */
function near({ rawPacket, bytesParsed = 0 }: ParseError): string {
  const piece = rawPacket?.toString('latin1', Math.max(0, bytesParsed - 10), bytesParsed + 30)
  return piece ? `, at ${quote(piece)}` : ''
}

function rawAnswer(status: string, message: string): string {
  const body = JSON.stringify({ message })
  return [
    `HTTP/1.1 ${status}`,
    `Content-Type: ${JSON_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
    '',
    body,
  ].join('\r\n')
}
