import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { localFile, MB } from './files.js'
import type { Group } from './group.js'
import { startApache } from './peers/apache.js'
import { startOurs } from './peers/ours.js'
import type { Peer } from './peers/peer.js'
import { forgetPeak, residentMb } from './peers/processes.js'
import { startRclone } from './peers/rclone.js'
import { Stage } from './stage.js'
import { APACHE, CURL, missing, RCLONE } from './tools/install.js'
import { waysIn } from './ways.js'

/**
 * How fast files come in by the ways of the storage surface, and the memory that servers need (ours with its Redis) while uploads of 100 MB run side
 * by side, on the disk of TMPDIR.
 */

const BYTES = 100 * MB

export const uploads: Group = async function* ({ quick }) {
  const noCurl = missing(CURL)
  if (noCurl) {
    yield `nothing measured: ${noCurl}`
    return
  }
  const speeds = new Stage()
  try {
    yield* waysIn(speeds, quick)
  } finally {
    await speeds.end()
  }
  const absent = [APACHE, RCLONE].map(missing).filter((why) => why !== undefined)
  if (absent.length > 0) {
    yield `memory is not measured: ${absent.join('; ')}`
    return
  }
  const stage = new Stage()
  try {
    const folder = () => stage.folder(tmpdir())
    const ours = await stage.started(startOurs(await folder()))
    const apache = await stage.started(startApache(await folder()))
    const rclone = await stage.started(startRclone(await folder()))
    const scratch = await folder()
    const body = await localFile(scratch, BYTES)
    for (const count of quick ? [1, 10] : [1, 10, 50]) {
      yield {
        name: `peak of resident memory, ${count} uploads of 100 MB at once`,
        unit: 'MB',
        rounds: quick ? 1 : 3,
        sides: [ours, apache, rclone].map((peer) => ({
          name: peer.name,
          run: async () => {
            forgetPeak(peer.pids())
            await uploadAtOnce(peer, count, body, scratch)
            return residentMb(peer.pids(), 'peak')
          },
        })),
        target: { says: '< 300 MB', reached: ([a = Number.NaN]) => a < 300 },
        point: { curve: 'peak of resident memory, uploads of 100 MB', of: 'uploads at once', at: count },
      }
    }
  } finally {
    await stage.end()
  }
}

/** Rejects where one fails. `scratch`: a folder for curl's configuration. */
async function uploadAtOnce(peer: Peer, count: number, body: string, scratch: string): Promise<void> {
  const headers = Object.entries(peer.headers).map(([name, value]) => `header = "${name}: ${value}"`)
  const transfers = Array.from({ length: count }, (_, at) =>
    [
      `url = "${peer.base}large-${at}.bin"`,
      `upload-file = "${body}"`,
      'output = "/dev/null"',
      ...headers,
    ].join('\n'),
  )
  const config = join(scratch, 'uploads.conf')
  await writeFile(config, transfers.join('\nnext\n'))
  const parallel = ['-Z', '--parallel-immediate', '--parallel-max', String(count)]
  const child = spawn('curl', ['-sS', '--no-progress-meter', '--fail-early', ...parallel, '-K', config], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const [code] = (await once(child, 'exit')) as [number]
  if (code !== 0) throw new Error(`${peer.name}: curl ended with ${code}.`)
}
