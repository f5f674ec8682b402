/** Bodies that are XML: small ones, read whole. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { readBytes } from '../../http/request-body.js'
import { SpaceError } from '../../space/errors.js'
import { DavError } from '../errors.js'

const MOST_BYTES = 1024 * 1024

/** 413 over 1 MiB, said before the body is sent where its length is; BODY_BROKEN. */
export async function readXmlBody(req: IncomingMessage, res: ServerResponse): Promise<Buffer> {
  try {
    return await readBytes(req, res, MOST_BYTES, 'XML')
  } catch (error) {
    // Elsewhere what is too large is a file that does not fit into a plan (507).
    if (error instanceof SpaceError && error.code === 'FILE_TOO_LARGE') throw new DavError(413, error.message)
    throw error
  }
}
