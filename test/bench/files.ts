import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Peer } from './peers/peer.js'

/** What servers are filled with before they are measured. */

export const MB = 1_000_000
const WIDTH = 16

export async function put(peer: Peer, path: string, body: Buffer): Promise<void> {
  await done(peer, 'PUT', path, { 'Content-Type': 'application/octet-stream' }, new Uint8Array(body))
}

export async function upload(peer: Peer, path: string, file: string): Promise<void> {
  await put(peer, path, await readFile(file))
}

export function makeFolder(peer: Peer, folder: string): Promise<void> {
  return done(peer, peer.makesFoldersBy, `${folder}/`)
}

/** Moves what is at `from` by WebDAV. */
export function move(peer: Peer, from: string, to: string): Promise<void> {
  return done(peer, 'MOVE', from, { Destination: peer.base + to, Overwrite: 'F' })
}

/** A new folder of `count` small files, named as `fileName` says. */
export async function fillFolder(peer: Peer, folder: string, count: number): Promise<void> {
  await makeFolder(peer, folder)
  let next = 0
  const lane = async () => {
    while (next < count) await put(peer, `${folder}/${fileName(next++)}`, Buffer.from('12345'))
  }
  await Promise.all(Array.from({ length: WIDTH }, lane))
}

/** 20 characters. */
export function fileName(n: number): string {
  return `document-${String(n).padStart(7, '0')}.txt`
}

/** A local file to send. */
export async function localFile(folder: string, bytes: number): Promise<string> {
  const path = join(folder, `${bytes}.bin`)
  const piece = Buffer.alloc(MB, 'x')
  const file = await open(path, 'w')
  for (let left = bytes; left > 0; left -= piece.length) await file.write(piece.subarray(0, left))
  await file.close()
  return path
}

async function done(
  peer: Peer,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  body: Uint8Array<ArrayBuffer> | null = null,
): Promise<void> {
  const answer = await fetch(peer.base + path, { method, headers: { ...peer.headers, ...headers }, body })
  if (!answer.ok) throw new Error(`${peer.name} answered ${method} ${path} with ${answer.status}.`)
  await answer.arrayBuffer()
}
