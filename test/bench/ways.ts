import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { localFile, MB } from './files.js'
import type { Measurement, Side } from './measure.js'
import { type Ours, startOurs } from './peers/ours.js'
import type { Peer } from './peers/peer.js'
import { terminate } from './peers/processes.js'
import type { Stage } from './stage.js'
import { curl } from './tools/curl.js'

/** The ways in of the storage surface beside `POST content/`, and beside the least that Node does with the same form parser. */

const BYTES = 100 * MB

export async function* waysIn(stage: Stage, quick: boolean): AsyncGenerator<Measurement> {
  const where = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
  const ours = await stage.started(startOurs(await stage.folder(where)))
  const files = await stage.folder(where)
  const file = await localFile(await stage.folder(where), BYTES)
  const storage = storageOf(ours)
  const bare = await stage.started(startBareForms(files))
  const rounds = quick ? 2 : 5
  const post: Side = speed('POST content/', ours, 'ways/novem.bin', ['-T', file, '-X', 'POST'])
  const form = ['-F', `file=@${file};type=application/octet-stream`]
  const isClose = {
    says: '≥ 90 % of POST content/',
    reached: ([a = 0, b = 0]: readonly number[]) => a >= 0.9 * b,
  }

  yield {
    name: '100 MB as the raw body',
    unit: 'MB/s',
    rounds,
    sides: [speed('raw', storage, 'upload/ways/raw.bin', ['-T', file, '-X', 'POST']), post],
    target: isClose,
  }
  yield {
    name: '100 MB in two stages, asking for the URL included',
    unit: 'MB/s',
    rounds,
    sides: [{ name: 'two stages', run: () => inTwoStages(storage, file) }, post],
    target: isClose,
  }
  yield {
    name: '100 MB as a form',
    unit: 'MB/s',
    rounds,
    sides: [
      speed('form', storage, 'upload/ways/form.bin', form),
      speed(bare.name, bare, 'form.bin', form),
      post,
    ],
    target: { says: '≥ 60 % of bare', reached: ([a = 0, b = 0]) => a >= 0.6 * b },
  }
  const json = await dataUrlFile(file)
  const headers = ['-H', 'Content-Type: application/json']
  yield {
    name: '100 MB as a data URL, of what it holds',
    unit: 'MB/s',
    rounds,
    sides: [speed('data URL', storage, 'upload/ways/url.bin', ['-T', json, '-X', 'POST', ...headers]), post],
  }
}

function speed(name: string, peer: Peer, path: string, more: readonly string[]): Side {
  return { name, run: async () => BYTES / MB / (await curl(peer, path, more)) }
}

/** `…/storage/` of the space that is there from the start. */
function storageOf(ours: Ours): Peer {
  const base = `${ours.url}/api/v1/space/${ours.account}~files/storage/`
  return { ...ours, base }
}

async function inTwoStages(storage: Peer, file: string): Promise<number> {
  const began = performance.now()
  const answer = await fetch(`${storage.base}upload/ways/two.bin`, {
    method: 'POST',
    headers: { ...storage.headers, 'Content-Type': 'application/json' },
    body: JSON.stringify({ file: { type: 'application/zip', size: BYTES } }),
  })
  const { uploadRequest } = (await answer.json()) as { uploadRequest: { url: string } }
  const asking = (performance.now() - began) / 1000
  const { origin, pathname, search } = new URL(uploadRequest.url)
  const signed: Peer = { ...storage, base: origin, headers: { 'Content-Type': 'application/zip' } }
  return BYTES / MB / (asking + (await curl(signed, pathname + search, ['-T', file])))
}

/** The same bytes as the JSON body that holds them. */
async function dataUrlFile(file: string): Promise<string> {
  const path = `${file}.json`
  const out = await open(path, 'w')
  await out.write(`{"file":"data:;base64,`)
  await out.write((await readFile(file)).toString('base64'))
  await out.write('"}')
  await out.close()
  return path
}

/** Node and the same form parser, writing to files; nothing is checked, hashed or made known. */
async function startBareForms(folder: string): Promise<Peer> {
  const script = fileURLToPath(new URL('peers/bare-forms.js', import.meta.url))
  const child = spawn(process.execPath, [script, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string]
  return {
    name: 'bare node:http and the same parser',
    base: line.trim(),
    headers: {},
    makesFoldersBy: 'PUT',
    pids: () => [child.pid as number],
    end: () => terminate(child),
  }
}
