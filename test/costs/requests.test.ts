import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { bytesCopied } from './copies.js'
import { fileCalls } from './file-calls.js'
import { redisWork } from './redis-watch.js'

/**
 * What a request costs, counted and not timed: round trips to Redis, commands inside scripts, calls into the file system,
 * bytes copied. Whoever changes one of these numbers does so on purpose, here.
 */

// Only now: see file-calls.ts.
const { settled, testServer } = await import('../support/server.js')
const { davOf } = await import('../webdav/support.js')

const SMALL = Buffer.alloc(4096, 'x')
const MIDDLE = Buffer.alloc(100 * 1024, 'x')
const LARGE = Buffer.alloc(10_000_000, 'x')

const server = await testServer()
const redis = await server.redis.connect('costs')
const send = davOf(server, server)

interface Ask {
  readonly method: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
}

async function ask({ method, path, headers, body }: Ask): Promise<void> {
  const { status, text } = await send(method, path, headers, body)
  if (status >= 400) throw new Error(`${method} ${path} was answered with ${status}: ${text}`)
}

/** With all that it leaves to be done behind its answer. */
async function prepare(asks: readonly Ask[]): Promise<void> {
  for (const one of asks) await ask(one)
  await settled(server)
}

const dav = (path: string) => `/dav/s/${path}`
const novem = (path: string) => `/v1/code/spaces/s/content/${path}`
const put = (path: string, body = SMALL): Ask => ({ method: 'PUT', path: dav(path), body })
const post = (path: string, body = SMALL): Ask => ({ method: 'POST', path: novem(path), body })
const get = (path: string): Ask => ({ method: 'GET', path })
const propfind = (path: string, depth: string): Ask => {
  return { method: 'PROPFIND', path: dav(path), headers: { depth } }
}
const transfer = (method: string, from: string, to: string): Ask => {
  return { method, path: dav(from), headers: { destination: dav(to) } }
}
const rename = (from: string, to: string): Ask => {
  return { method: 'PATCH', path: novem(from), headers: { 'content-type': 'text/plain' }, body: to }
}
const remove = (path: string): Ask => ({ method: 'DELETE', path })
/** An answer is remembered when the same space was seen unchanged before. */
const twice = (one: Ask): Ask[] => [one, one]

/** What is asked, how often Redis is asked for it, how many commands its scripts run; what must be there before. */
type Cost = readonly [what: string, ask: Ask, roundTrips: number, inScripts: number, before?: readonly Ask[]]

const family = [post('p/a.txt'), post('p/b.txt')]
const COSTS: readonly Cost[] = [
  ['PROPFIND of a file', propfind('a.txt', '0'), 2, 2, [put('a.txt')]],
  ['PROPFIND of a folder', propfind('p/', '1'), 2, 4, family],
  ['GET by WebDAV', get(dav('a.txt')), 2, 2, [put('a.txt')]],
  // What has not changed is not looked at: two commands for all who ask at that moment.
  ['GET by WebDAV, again', get(dav('b.txt')), 2, 0, [put('b.txt'), ...twice(get(dav('b.txt')))]],
  ['PROPFIND, again', propfind('c.txt', '0'), 2, 0, [put('c.txt'), ...twice(propfind('c.txt', '0'))]],
  // A change looks itself whether who asks is still who it was.
  ['PUT of a new file by WebDAV', put('new.txt'), 1, 10],
  ['PUT over a file by WebDAV', put('over.txt'), 1, 10, [put('over.txt')]],
  // Asked whether it may before the bytes come, and who asks once more behind them.
  ['PUT of 10 MB by WebDAV', put('large.bin', LARGE), 4, 19],
  ['MKCOL', { method: 'MKCOL', path: dav('made') }, 1, 11],
  ['MOVE of a folder', transfer('MOVE', 'from/', 'to/'), 1, 13, [post('from/a.txt')]],
  ['DELETE by WebDAV', remove(dav('gone.txt')), 1, 10, [put('gone.txt')]],
  ['GET', get(novem('a.txt')), 2, 2, [put('a.txt')]],
  ['GET, again', get(novem('d.txt')), 2, 0, [put('d.txt'), ...twice(get(novem('d.txt')))]],
  ['a listing', get(novem('p')), 2, 4, family],
  ['POST of a new file', post('posted.txt'), 1, 10],
  ['POST of a new file, eight levels down', post('1/2/3/4/5/6/7/9'), 1, 24, [post('1/2/3/4/5/6/7/8')]],
  ['POST over a file', post('again.txt'), 1, 10, [post('again.txt')]],
  ['PATCH that renames', rename('here.txt', 'there.txt'), 1, 12, [post('here.txt')]],
  ['DELETE', remove(novem('bye.txt')), 1, 10, [post('bye.txt')]],
  // From the first copy on, letting go of a blob asks whether others use it.
  ['COPY of a file', transfer('COPY', 'one.txt', 'two.txt'), 2, 12, [put('one.txt')]],
]

/** The same elsewhere, so that Redis knows the scripts. */
function rehearsed(one: Ask): Ask {
  const there = (path: string) => path.replace('/s/', '/rehearsal/')
  const { destination } = one.headers ?? {}
  const headers = destination === undefined ? one.headers : { destination: there(destination) }
  return { ...one, path: there(one.path), ...(headers && { headers }) }
}

test.before(async () => {
  for (const space of ['s', 'rehearsal']) await server.fetch(`/v1/code/spaces/${space}`, { method: 'PUT' })
  for (const [, asked, , , before = []] of COSTS) await prepare([...before, asked].map(rehearsed))
})
test.after.always(() => server.stop())

for (const [what, asked, roundTrips, inScripts, before = []] of COSTS) {
  test.serial(
    `Redis: ${what} costs ${roundTrips} round trips and ${inScripts} commands in scripts`,
    async (t) => {
      await prepare(before)
      const work = await redisWork(redis, () => ask(asked))
      t.is(work.sent.length, roundTrips, work.sent.join(' '))
      t.is(work.inScripts.length, inScripts, work.inScripts.join(' '))
      await settled(server)
    },
  )
}

test.serial('Redis: whoever follows a burst of changes looks for many of them at a time', async (t) => {
  const stream = await server.fetch('/v1/code/spaces/s/changes', { headers: { accept: 'text/event-stream' } })
  const burst = Array.from({ length: 100 }, (_, n) => `burst/${n}`)
  const began = performance.now()
  const { sent } = await redisWork(redis, async () => {
    for (const path of burst) await ask(post(path))
    let told = ''
    for await (const chunk of stream.body ?? []) {
      told += Buffer.from(chunk).toString()
      if (burst.every((path) => told.includes(`"${path}"`))) break
    }
  })
  const looks = (sent.filter((name) => name === 'evalsha').length - 2 * burst.length) / 2
  const longest = (performance.now() - began) / 10 + 2
  t.true(looks <= longest, `${looks} looks where ${longest} are enough`)
  await settled(server)
})

type FileCost = readonly [what: string, ask: Ask, calls: Record<string, number>, before?: readonly Ask[]]

const itsFile = { open: 1, close: 1 }
const FILE_COSTS: readonly FileCost[] = [
  ['PUT of 4 KiB', put('f.txt'), { writev: 1 }],
  ['PUT of 4 KiB over another', put('o.txt'), { writev: 1 }, [put('o.txt')]],
  ['POST of 4 KiB', post('q.txt'), { writev: 1 }],
  ['PUT of 100 KiB', put('n.bin', MIDDLE), { ...itsFile, writev: 1, rename: 1 }],
  ['GET of 4 KiB', get(dav('g.txt')), { read: 1 }, [put('g.txt')]],
  ['GET of 4 KiB, again', get(dav('h.txt')), {}, [put('h.txt'), get(dav('h.txt'))]],
  ['GET of 10 MB', get(dav('l.bin')), { ...itsFile, fstat: 1, read: 10 }, [put('l.bin', LARGE)]],
  ['PROPFIND', propfind('i.txt', '0'), {}, [put('i.txt')]],
  ['MOVE', transfer('MOVE', 'j.txt', 'k.txt'), {}, [put('j.txt')]],
  ['DELETE', remove(dav('m.txt')), {}, [put('m.txt')]],
]

/** The store makes a folder when the first blob comes whose id begins with its name, which here is left to nobody's luck. */
async function makeFanOut(): Promise<void> {
  const { id } = (await server.directory.visible.of(server.account.id, server.account.name)).find(
    ({ name }) => name === 's',
  ) as { id: string }
  for (let byte = 0; byte < 256; byte++) {
    const name = byte.toString(16).padStart(2, '0')
    mkdirSync(join(server.folder, 'blobs', id, name), { recursive: true })
  }
}

test.serial('the file system: what a request costs', async (t) => {
  await makeFanOut()
  for (const [what, asked, calls, before = []] of FILE_COSTS) {
    await prepare(before)
    t.deepEqual(await fileCalls(() => ask(asked)), calls, what)
    await settled(server)
  }
})

test.serial(
  'bodies are written in large pieces and never copied, but once for the thread that hashes large ones',
  async (t) => {
    const { writev = 0 } = await fileCalls(() => ask(put('in.bin', LARGE)))
    t.true(writev <= 40, `${writev} writes for 10 MB`)
    const nothing = LARGE.length / 1000
    t.true((await bytesCopied(() => ask(put('middle.bin', MIDDLE)))) < nothing)
    const copied = await bytesCopied(() => ask(put('copied.bin', LARGE)))
    t.true(copied >= LARGE.length && copied < LARGE.length + nothing, `${copied} bytes`)
    t.true((await bytesCopied(() => ask(get(dav('copied.bin'))))) < nothing)
  },
)
