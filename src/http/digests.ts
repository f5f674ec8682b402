/** Digests a request announces for its bytes: `Content-MD5` (RFC 1864), `Content-Digest` and `Repr-Digest` (RFC 9530). */
import { SpaceError } from '../space/errors.js'
import { quote } from '../space/quote.js'

/** RFC 9530 algorithm → name in `node:crypto` and length in bytes. Others may stand beside them and are ignored. */
const ALGORITHMS: ReadonlyMap<string, { readonly hash: string; readonly bytes: number }> = new Map([
  ['md5', { hash: 'md5', bytes: 16 }],
  ['sha-256', { hash: 'sha256', bytes: 32 }],
  ['sha-512', { hash: 'sha512', bytes: 64 }],
])

/** One member of the dictionary (RFC 9651 §3.2): key, byte sequence, parameters that mean nothing here. */
const MEMBER =
  /[ \t]*(?<key>[a-z*][a-z0-9_.*-]*)=:(?<value>[A-Za-z0-9+/]*={0,2}):(?:; *[a-z*][a-z0-9_.*-]*(?:=(?:"(?:[ !#-[\]-~]|\\["\\])*"|[^\s",;]+))?)*[ \t]*(?:,|$)/y

/** What to compute while a body streams in, and the check of the results; `BlobStore.put` takes both as they are. */
export interface ExpectedDigests {
  /** Names of `node:crypto`, without md5, which is computed anyway. */
  readonly algorithms: readonly string[]
  /** Digests by those names, md5 included, in hex. BAD_DIGEST, naming the header, where one is not as announced. */
  verify(digests: Readonly<Record<string, string>>): void
}

interface Expectation {
  readonly header: string
  readonly hash: string
  readonly hex: string
}

/** From the header object of `node:http`. BAD_REQUEST, naming the header, where one is malformed. */
export function expectedDigests(headers: {
  readonly 'content-md5'?: string | string[] | undefined
  readonly 'content-digest'?: string | string[] | undefined
  readonly 'repr-digest'?: string | string[] | undefined
}): ExpectedDigests {
  const expected: Expectation[] = []
  const md5 = headers['content-md5']
  if (md5 !== undefined) expected.push(expectation('Content-MD5', 'md5', String(md5).trim(), String(md5)))
  // A request's bytes are stored as they come, so content and representation are the same here.
  for (const header of ['Content-Digest', 'Repr-Digest'] as const) {
    const value = headers[header === 'Content-Digest' ? 'content-digest' : 'repr-digest']
    if (value !== undefined) expected.push(...parseDictionary(header, String(value)))
  }
  return {
    algorithms: [...new Set(expected.map(({ hash }) => hash).filter((hash) => hash !== 'md5'))],
    verify(digests) {
      for (const { header, hash, hex } of expected) {
        if (digests[hash]?.toLowerCase() === hex) continue
        throw new SpaceError(
          'BAD_DIGEST',
          `The ${hash} of the bytes received is ${digests[hash] ?? 'unknown'}, and ${header} announced ${hex}.`,
        )
      }
    },
  }
}

function parseDictionary(header: string, value: string): Expectation[] {
  const members = new Map<string, Expectation>()
  MEMBER.lastIndex = 0
  while (MEMBER.lastIndex < value.length) {
    const { key = '', value: digest = '' } = MEMBER.exec(value)?.groups ?? {}
    if (key === '' || (MEMBER.lastIndex === value.length && value.endsWith(',')))
      throw malformed(header, value)
    // Of a repeated key the last one counts (RFC 9651 §3.2).
    if (ALGORITHMS.has(key)) members.set(key, expectation(header, key, digest, value))
  }
  return [...members.values()]
}

function expectation(header: string, algorithm: string, base64: string, whole: string): Expectation {
  const known = ALGORITHMS.get(algorithm)
  const bytes = Buffer.from(base64, 'base64')
  const unpadded = base64.replace(/=+$/, '')
  if (!known || bytes.length !== known.bytes || bytes.toString('base64').replace(/=+$/, '') !== unpadded) {
    throw malformed(header, whole)
  }
  return { header, hash: known.hash, hex: bytes.toString('hex') }
}

function malformed(header: string, value: string): SpaceError {
  const form = header === 'Content-MD5' ? 'the base64 of 16 bytes' : 'a list such as "sha-256=:<base64>:"'
  return new SpaceError('BAD_REQUEST', `The header ${header} is not ${form}: ${quote(value)}.`)
}
