import { S3Client } from '@aws-sdk/client-s3'
import type { Logger } from '@smithy/types'

export interface S3Place {
  readonly bucket: string
  /** What all keys begin with: empty, or it ends in a slash. */
  readonly prefix: string
  /** Absent: Amazon's own. */
  readonly endpoint?: string
  readonly region?: string
}

/** So long a request may take until its answer begins; a part of 5 MiB must go out in that time. */
const REQUEST_MS = 20_000
const CONNECT_MS = 3_000
/** A connection on which nothing moves for so long is dropped; a reader who pauses longer gets another one. */
const IDLE_MS = 30_000
/** The first attempt and its repetitions, with pauses at random up to 0.1, 0.2, 0.4 s … */
const ATTEMPTS = 4
const SOCKETS = 1024

const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {} }

/**
 * A client as we need it. Credentials come by the SDK's own chain (AWS_ACCESS_KEY_ID, profiles, roles …).
 * `WHEN_REQUIRED`: other servers than Amazon's neither check nor keep its newer checksums, and refuse bodies framed for them;
 * what goes out is guarded by the signature, which covers the SHA-256 of every body, and by Content-MD5 where it goes in one piece.
 */
export function s3Client({ endpoint, region }: S3Place, requestMs = REQUEST_MS): S3Client {
  // Which versions of Node are served is ours to say, not the SDK's on every start.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'
  const agent = { keepAlive: true, maxSockets: SOCKETS, maxFreeSockets: 64 }
  return new S3Client({
    ...(endpoint !== undefined && { endpoint, forcePathStyle: true }),
    // An own server mostly does not mind; Amazon's SDK looks into its own settings where none is said.
    ...((region ?? endpoint) !== undefined && { region: region ?? 'us-east-1' }),
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    retryMode: 'standard',
    maxAttempts: ATTEMPTS,
    logger: quiet,
    requestHandler: {
      requestTimeout: requestMs,
      throwOnRequestTimeout: true,
      connectionTimeout: CONNECT_MS,
      socketTimeout: IDLE_MS,
      httpAgent: agent,
      httpsAgent: agent,
      logger: quiet,
    },
  })
}
