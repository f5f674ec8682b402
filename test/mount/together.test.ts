import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { Random } from '../support/random.js'
import { type TestServer, testServer } from '../support/server.js'
import { type Client, FOLDERS, type Outcome, SHARED, work } from './support/busybody.js'
import { LACKING, mountSpace, must, runTimed, type SpaceMount } from './support/mounting.js'
import { agrees, contentsOf, differences, makeSpace } from './support/space-view.js'

/** Several who work in one space at once: nothing is lost, nobody hangs, and in the end all see the same. */

const LONG = process.env.NOVEM_TEST_LONG === '1'
const DURATION = LONG ? 60_000 : 8_000
const BUSYBODY = fileURLToPath(new URL('./support/busybody.js', import.meta.url))
const HAMMER = fileURLToPath(new URL('./support/hammer.js', import.meta.url))
/** What a change elsewhere may take to show; how long it took is logged. A busy machine has more time. */
const PATIENCE = 20_000

const mountTest = LACKING.length === 0 ? test.serial : test.skip

let server: TestServer
test.before(async () => {
  server = await testServer()
})
test.after.always(() => server.stop())

/** Through WebDAV. */
function onDav(space: string): Client {
  const url = (path: string) => `/dav/${space}/${encodeURI(path)}`
  const send = async (method: string, path: string, init: RequestInit = {}) => {
    const answer = await server.fetch(url(path), { method, ...init })
    const text = await answer.text()
    if (answer.status === 404 || answer.status === 409)
      throw Object.assign(new Error(text), { code: 'ENOENT' })
    if (answer.status === 412) throw Object.assign(new Error(text), { code: 'EEXIST' })
    if (!answer.ok) throw Object.assign(new Error(text), { code: `${method} ${answer.status} ${text}` })
    return text
  }
  return {
    create: (path, body) => send('PUT', path, { body, headers: { 'if-none-match': '*' } }),
    overwrite: (path, body) => send('PUT', path, { body, headers: { 'if-match': '*' } }),
    save: (path, body) => send('PUT', path, { body }),
    rename: (from, to) => {
      const overwrite = from.includes('/') ? 'T' : 'F'
      return from === to || send('MOVE', from, { headers: { destination: server.url + url(to), overwrite } })
    },
    unlink: (path) => send('DELETE', path),
    read: async (folder) => {
      const listing = await send('PROPFIND', `${folder}/`, { headers: { depth: '1' } })
      for (const [, href = ''] of listing.matchAll(/href>([^<]*[^/<])</g)) {
        await (await server.fetch(href.replace(/^https?:\/\/[^/]*/, ''))).arrayBuffer()
      }
    },
  }
}

/** What programs see below a mount's folder: path → `folder`, or size and MD5. A string: what they said, as something went meanwhile. */
async function seenIn(dir: string): Promise<Map<string, string> | string> {
  const folders = await runTimed('find', ['.', '-mindepth', '1', '-type', 'd', '-printf', '%P\\n'], {
    cwd: dir,
  })
  const files = await runTimed('find', ['.', '-type', 'f', '-printf', '%s ', '-exec', 'md5sum', '{}', ';'], {
    cwd: dir,
  })
  if (folders.code !== 0 || files.code !== 0) return folders.said + files.said
  const rows = files.said
    .split('\n')
    .filter((line) => line !== '')
    .map((line): [string, string] => {
      const [, size = '', md5 = '', path = ''] = /^(\d+) (\w+) {2}\.\/(.*)$/.exec(line) ?? []
      return [path, `${size} ${md5}`]
    })
  const all: [string, string][] = [
    ...rows,
    ...folders.said
      .split('\n')
      .filter(Boolean)
      .map((path): [string, string] => [path, 'folder']),
  ]
  return new Map(all.sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Polls until programs see in the mount what the space holds. */
async function becomesEqual(t: ExecutionContext, mount: SpaceMount, space: string): Promise<void> {
  const began = Date.now()
  for (;;) {
    const seen = await seenIn(mount.dir)
    const found =
      typeof seen === 'string' ? [seen] : differences(await contentsOf({ ...server, space }), seen)
    if (found.length === 0) break
    if (Date.now() > began + PATIENCE) {
      t.deepEqual(found, [])
      return
    }
    await delay(50)
  }
  t.log(`agreed after ${Date.now() - began} ms`)
}

mountTest('two mounts and a WebDAV client at once: nothing is lost, and all agree in the end', async (t) => {
  t.timeout(DURATION + 120_000)
  const space = 'shared'
  const random = Random.seeded()
  t.log(`seed ${random.seed}`)
  await makeSpace({ ...server, space })
  const through = await mountSpace(t, server, space, { kind: 'through' })
  const back = await mountSpace(t, server, space, { kind: 'back' })
  await must(t, 'mkdir', FOLDERS.slice(0, 3), { cwd: through.dir })
  const onMount = async ({ dir }: SpaceMount, who: string): Promise<Outcome> => {
    const args = [BUSYBODY, dir, who, String(random.below(1e9)), String(DURATION)]
    const { code, said } = await runTimed(process.execPath, args, { seconds: DURATION / 1000 + 60 })
    if (code !== 0) throw new Error(`${who} ended with ${code}: ${said}`)
    return JSON.parse(said)
  }
  const outcomes = await Promise.all([
    onMount(through, 'through'),
    onMount(back, 'back'),
    work(onDav(space), 'dav', random.below(1e9), DURATION),
  ])
  for (const { steps, errors } of outcomes) {
    t.log(`${steps} steps, ${JSON.stringify(errors)}`)
    t.true(steps > 20)
    // A folder that somebody else has just renamed is not there, a name that somebody has taken is taken, and of a file
    // that was removed while it was read the rest is gone.
    const meant = new Set(['ENOENT', 'EEXIST', 'ENOTEMPTY', 'EBUSY', 'ESTALE read'])
    t.deepEqual(
      Object.keys(errors).filter((code) => !meant.has(code)),
      [],
    )
  }
  await must(t, 'sync', ['-f', back.dir])
  await becomesEqual(t, through, space)
  await becomesEqual(t, back, space)
  await through.end()
  await back.end()
  checkNothingLost(t, outcomes, await contentsOf({ ...server, space }))
  await agrees(t, server, space)
  t.deepEqual(server.errors, [])
})

/** Files of one's own are there once, as they were last saved, wherever their folder is by now; the shared file is whole. */
function checkNothingLost(
  t: ExecutionContext,
  outcomes: readonly Outcome[],
  contents: ReadonlyMap<string, string>,
): void {
  const byName = new Map<string, string[]>()
  for (const [path, found] of contents) {
    const name = path.slice(path.lastIndexOf('/') + 1)
    byName.set(name, [...(byName.get(name) ?? []), found])
  }
  const shared = new Set(outcomes.flatMap((outcome) => outcome.shared))
  for (const { kept, gone } of outcomes) {
    t.deepEqual(
      Object.entries(kept)
        .map(([name, found]) => ({ name, found: [found], there: byName.get(name) }))
        .filter(({ found, there }) => there?.join() !== found.join()),
      [],
    )
    t.deepEqual(
      gone.filter((name) => byName.has(name)),
      [],
    )
  }
  const versions = [...byName].filter(([name]) => name.startsWith(SHARED)).flatMap(([, found]) => found)
  t.deepEqual(
    versions.filter((found) => !shared.has(found)),
    [],
  )
}

interface Hammer {
  readonly process: ChildProcess
  /** Tells it to stop, and resolves with what it counted. */
  stop(): Promise<number>
}

function startHammer(t: ExecutionContext, dir: string, what: string): Hammer {
  const child = spawn(process.execPath, [HAMMER, dir, what], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const ended = once(child, 'close')
  return {
    process: child,
    stop: async () => {
      child.kill('SIGTERM')
      const [code] = await ended
      return code === 0 ? Number(said) : Number.NaN
    },
  }
}

for (const kind of ['through', 'direct'] as const) {
  mountTest(
    `${kind}: look-ups stay right while others change, unlink and rename what is looked up`,
    async (t) => {
      t.timeout(DURATION + 120_000)
      const space = `fresh-${kind}`
      const random = Random.seeded()
      t.log(`seed ${random.seed}`)
      await makeSpace({ ...server, space })
      const mount = await mountSpace(t, server, space, { kind })
      await must(t, 'mkdir', ['hot'], { cwd: mount.dir })
      const hammers = ['look', 'look', 'list', 'disturb'].map((what) =>
        startHammer(t, `${mount.dir}/hot`, what),
      )
      let changes = 0
      const change = async () => {
        const path = `/v1/code/spaces/${space}/content/hot/name${random.below(40)}`
        const [method, body] = random.pick([
          ['POST', `${changes}`.repeat(1 + random.below(50))],
          ['DELETE'],
          ['POST', 'short'],
          ['PUT'],
        ])
        const asFolder = method === 'PUT' || (method === 'DELETE' && random.below(4) === 0)
        await server.fetch(`${path}${asFolder ? '/' : ''}`, {
          method,
          ...(body !== undefined && { body }),
        } as RequestInit)
        changes++
      }
      const client = async () => {
        for (const end = Date.now() + DURATION; Date.now() < end; ) await change()
      }
      await Promise.all([client(), client()])
      const counts = await Promise.all(hammers.map((hammer) => hammer.stop()))
      t.log(`${changes} changes; looks, listings, disturbances: ${counts.join(', ')}`)
      t.true(changes > 100 && counts.every((count) => count > 10))
      // The last changes come when everything is in the kernel's cache.
      await seenIn(mount.dir)
      for (let i = 0; i < 100; i++) await change()
      await becomesEqual(t, mount, space)
      await mount.end()
      await agrees(t, server, space)
    },
  )
}
