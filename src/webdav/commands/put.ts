/** PUT (RFC 4918 §9.7): the body becomes the file; its folder must be there. */
import type { IncomingHttpHeaders } from 'node:http'
import type { Answer } from '../../http/answer.js'
import { type ExpectedDigests, expectedDigests } from '../../http/digests.js'
import { quoted } from '../../http/etags.js'
import { upload } from '../../http/upload.js'
import { writeHeaders } from '../../http/write-headers.js'
import { SpaceError } from '../../space/errors.js'
import { pathString } from '../../space/names.js'
import { quote } from '../../space/quote.js'
import { type EntryCall, reload } from '../call.js'

export async function put(call: EntryCall): Promise<Answer> {
  const { deps, req, res, op, at, target, guard } = call
  if (target.path.trailingSlash) {
    throw new SpaceError(
      'TYPE_CLASH',
      `${quote(`${pathString(target.path)}/`)} is the name of a folder; MKCOL makes one, PUT writes files.`,
    )
  }
  const request = writeHeaders(req.headers, at.path.names.at(-1) ?? '', { guard, parents: false })
  const { created, entry } = await upload(
    {
      deps,
      req,
      res,
      op,
      digests: digestsOf(req.headers),
      reload: () => reload(call),
      expected: expected(req.headers),
    },
    at,
    request,
  )
  const headers = ['ETag', quoted(entry.etag)]
  if (req.headers['x-oc-mtime'] !== undefined) headers.push('X-OC-Mtime', 'accepted')
  return { status: created ? 201 : 204, headers }
}

/** Finder sends its bodies chunked and says here how long they will be. */
function expected({ 'x-expected-entity-length': length }: IncomingHttpHeaders): number | undefined {
  if (length === undefined) return undefined
  return /^\s*\d{1,15}\s*$/.test(String(length)) ? Number(length) : undefined
}

const OC_ALGORITHMS: Readonly<Record<string, string>> = { md5: 'md5', sha1: 'sha1', sha256: 'sha256' }

/** Those of HTTP, and `OC-Checksum: MD5:<hex>` as ownCloud's clients and rclone send it; algorithms we do not know are ignored. */
function digestsOf(headers: IncomingHttpHeaders): ExpectedDigests {
  const standard = expectedDigests(headers as Readonly<Record<string, string | string[] | undefined>>)
  const announced = headers['oc-checksum']
  if (announced === undefined) return standard
  const [, name = '', hex = ''] = /^\s*([\w-]+):([\da-f]+)\s*$/i.exec(String(announced)) ?? []
  const algorithm = OC_ALGORITHMS[name.toLowerCase()]
  if (algorithm === undefined) return standard
  return {
    algorithms: algorithm === 'md5' ? standard.algorithms : [...new Set([...standard.algorithms, algorithm])],
    verify: (digests) => {
      standard.verify(digests)
      if (digests[algorithm]?.toLowerCase() === hex.toLowerCase()) return
      throw new SpaceError(
        'BAD_DIGEST',
        `The ${algorithm} of the bytes received is ${digests[algorithm]}, and OC-Checksum announced ${hex}.`,
      )
    },
  }
}
