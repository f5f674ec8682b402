/** The ways in, each as one function. */
import { randomBytes } from 'node:crypto'
import { json } from '../support/http.js'
import type { Storage } from './support.js'

export type Way = (
  storage: Storage,
  path: string,
  bytes: Buffer<ArrayBuffer>,
  headers?: Record<string, string>,
) => Promise<Response>

/** A server that files are fetched from. */
export interface Remote {
  readonly url: string
  /** What it answers to a path. */
  readonly files: Map<string, Buffer>
}

export function waysIn(remote: Remote): Readonly<Record<string, Way>> {
  return {
    'the bytes as the body': (storage, path, bytes, headers = {}) => storage.upload(path, bytes, headers),
    'the bytes as the body, by path id': (storage, path, bytes, headers = {}) => {
      const id = Buffer.from(path).toString('base64')
      return storage.ask('POST', `${encodeURIComponent(id)}/upload`, { body: bytes, headers })
    },
    'a form': (storage, path, bytes, headers = {}) => {
      const form = new FormData()
      form.append('title', 'some text')
      form.append('file', new Blob([bytes]), 'name.bin')
      form.append('more', 'text behind')
      return storage.upload(path, form, headers)
    },
    'a data URL': (storage, path, bytes, headers = {}) =>
      storage.describe(path, { file: `data:;base64,${bytes.toString('base64')}` }, headers),
    'a percent-encoded data URL': (storage, path, bytes, headers = {}) =>
      storage.describe(path, { file: `data:,${encoded(bytes)}` }, headers),
    'a URL': (storage, path, bytes, headers = {}) => {
      const from = `/${randomBytes(8).toString('hex')}`
      remote.files.set(from, bytes)
      return storage.describe(path, { file: remote.url + from }, headers)
    },
    'two stages': async (storage, path, bytes, headers = {}) => {
      const file = { type: 'application/octet-stream', size: bytes.length }
      const first = await storage.describe(path, { file }, headers)
      if (first.status !== 200) return first
      const { uploadRequest } = await json(first)
      return fetch(uploadRequest.url, { ...uploadRequest, body: bytes })
    },
  }
}

function encoded(bytes: Buffer): string {
  return [...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
}
