import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import test from 'ava'
import { startServerProcess } from '../support/cli.js'
import { tempFolder } from '../support/folder.js'
import { json } from '../support/http.js'

/** Many large uploads at once take little memory: nothing is gathered, whatever the way in. */

const LONG = process.env.NOVEM_TEST_LONG === '1'
const BYTES = (LONG ? 20 : 4) * 1_000_000
const MOST_RESIDENT = 300_000_000

const PIECE = Buffer.alloc(62_500, 'novem spaces')
const EDGE = 'edge-of-a-part'

interface Way {
  readonly type: string
  readonly before: string
  readonly uploads: number
  readonly piece: Buffer
  /** So many times PIECE. */
  readonly holds: number
  readonly after: string
}

const WAYS: Readonly<Record<string, Way>> = {
  forms: {
    uploads: LONG ? 100 : 25,
    type: `multipart/form-data; boundary=${EDGE}`,
    before: `--${EDGE}\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n`,
    piece: PIECE,
    holds: 1,
    after: `\r\n--${EDGE}--\r\n`,
  },
  'data URLs': {
    uploads: 25,
    type: 'application/json',
    before: '{"file":"data:text/plain;base64,',
    // Three, so that there is no padding in between.
    piece: Buffer.from(Buffer.concat([PIECE, PIECE, PIECE]).toString('base64')),
    holds: 3,
    after: '"}',
  },
}

for (const [name, way] of Object.entries(WAYS)) {
  test.serial(
    `${way.uploads} ${name} of ${BYTES / 1e6} MB at once stay below 300 MB of memory`,
    async (t) => {
      const server = await startServerProcess(tempFolder(t))
      t.teardown(() => server.end('SIGTERM'))
      const headers = { authorization: `Bearer ${server.token}` }
      const { items } = await json(await fetch(`${server.url}/api/v1/space/list`, { headers }))
      const storage = `${server.url}/api/v1/space/${items[0].id}/storage`
      const pieces = Math.floor(BYTES / PIECE.length / way.holds)
      const statuses = await Promise.all(
        Array.from({ length: way.uploads }, (_, at) => send(`${storage}/upload/${at}`, headers, way, pieces)),
      )
      t.deepEqual([...new Set(statuses)], [200])
      const peak =
        Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))?.[1]) * 1024
      t.true(peak > 0 && peak < MOST_RESIDENT, `${peak} bytes at most`)
      t.log(`${(peak / 1e6).toFixed(0)} MB`)
      const md5 = createHash('md5')
      for (let at = 0; at < pieces * way.holds; at++) md5.update(PIECE)
      const accept = { ...headers, accept: 'application/json' }
      const file = await json(
        await fetch(`${server.url}/v1/code/spaces/files/content/${way.uploads - 1}`, { headers: accept }),
      )
      t.is(file.md5, md5.digest('hex'))
    },
  )
}

/** The body in pieces, as fast as the server takes them. Resolves with the status. */
function send(url: string, headers: object, way: Way, pieces: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(url, {
      method: 'POST',
      headers: { ...headers, 'content-type': way.type },
      agent: false,
    })
    sent.on('error', reject)
    sent.on('response', (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0))
    })
    let left = pieces
    const more = () => {
      while (left-- > 0) {
        if (!sent.write(way.piece)) {
          sent.once('drain', more)
          return
        }
      }
      sent.end(way.after)
    }
    sent.write(way.before)
    more()
  })
}
