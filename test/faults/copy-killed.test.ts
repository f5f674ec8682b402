import test, { type ExecutionContext } from 'ava'
import { connectRedis } from '../../src/redis/connect.js'
import { redisPid, runCli, type ServerProcess, startServerProcess } from '../support/cli.js'
import { tempFolder } from '../support/folder.js'
import { Random } from '../support/random.js'

/** A tree is copied in steps out of sight: whoever dies on the way leaves the whole copy, or nothing of it to be seen. */

const FILES = 3000
const AT_ONCE = 32
const ROUNDS = process.env.NOVEM_TEST_LONG === '1' ? 30 : 4
/** More than a copy takes: some are whole when they are cut off. */
const MOST_LOOKS = 40
const SPACE = '/v1/code/spaces/files'

test('server and Redis are killed while a tree is copied by WebDAV', async (t) => {
  t.timeout(180_000)
  const random = Random.seeded()
  t.log(`seed ${random.seed}`)
  const dataDir = tempFolder(t)
  const scene = { server: await startServerProcess(dataDir) }
  t.teardown(() => scene.server.end('SIGKILL'))
  const { token } = scene.server
  await fill(scene.server)
  const abandoned = new Set<string>()
  for (let round = 0; round < ROUNDS; round++) {
    const to = `copy${round}`
    const copying = fetch(`${scene.server.url}/dav/files/tree`, {
      method: 'COPY',
      headers: { ...bearer(token), destination: `${scene.server.url}/dav/files/${to}` },
    }).then(
      ({ status }) => status,
      () => undefined,
    )
    await untilUnderWay({ dataDir, abandoned, looks: 1 + random.below(MOST_LOOKS), copying })
    process.kill(redisPid(dataDir), 'SIGKILL')
    await scene.server.end('SIGKILL')
    const status = await copying
    scene.server = await startServerProcess(dataDir)
    const entries = await entriesBelow(scene.server, token, to)
    t.log(`answer ${status ?? 'none'}, ${entries} entries`)
    t.true(entries === 0 || entries === FILES + 1, `${entries} entries`)
    if (status === 201) t.is(entries, FILES + 1)
    const rows = (await changed(scene.server, token)).filter((path) => path.split('/')[0] === to)
    t.is(rows.length, entries, 'its rows are in the journal as it is in the tree')
  }
  await isClean(t, dataDir)
})

async function fill({ url, token }: ServerProcess): Promise<void> {
  const names = Array.from({ length: FILES }, (_, n) => `tree/f${n}`)
  const post = async (): Promise<void> => {
    for (let name = names.pop(); name !== undefined; name = names.pop())
      await fetch(`${url}${SPACE}/content/${name}`, { method: 'POST', headers: bearer(token), body: name })
  }
  await Promise.all(Array.from({ length: AT_ONCE }, post))
}

interface Watched {
  readonly dataDir: string
  /** What was being built when an earlier round ended it; this one's is added. */
  readonly abandoned: Set<string>
  readonly looks: number
  readonly copying: Promise<unknown>
}

/** Looks at what is being built: resolves when that has begun and some more looks were taken, or when all is over. */
async function untilUnderWay({ dataDir, abandoned, looks, copying }: Watched): Promise<void> {
  const redis = await connectRedis(`${dataDir}/redis.sock`, { name: 'watching' })
  let isOver = false
  void copying.then(() => {
    isOver = true
  })
  try {
    for (let left = looks; left > 0 && !isOver; ) {
      const built = await redis.keys('*:k:*')
      if (built.some((key) => !abandoned.has(key))) left--
    }
    for (const key of await redis.keys('*:k:*')) abandoned.add(key)
  } finally {
    redis.disconnect()
  }
}

/** The folder itself counts; 0: it is not there. */
async function entriesBelow(
  { url }: ServerProcess,
  token: string | undefined,
  path: string,
): Promise<number> {
  const headers = { ...bearer(token), depth: 'infinity' }
  const answer = await fetch(`${url}/dav/files/${path}`, { method: 'PROPFIND', headers })
  const text = await answer.text()
  return answer.status === 404 ? 0 : (text.match(/<[^/>]*response>/g)?.length ?? 0)
}

/** The paths of all rows of the journal. */
async function changed({ url }: ServerProcess, token: string | undefined): Promise<string[]> {
  const paths: string[] = []
  for (let since = 0, more = true; more; ) {
    const answer = await fetch(`${url}${SPACE}/changes?since=${since}`, { headers: bearer(token) })
    const page = (await answer.json()) as { changes: { seq: number; path: string }[]; has_more: boolean }
    paths.push(...page.changes.map(({ path }) => path))
    since = page.changes.at(-1)?.seq ?? since
    more = page.has_more
  }
  return paths
}

async function isClean(t: ExecutionContext, dataDir: string): Promise<void> {
  const checked = await runCli(['fsck', '--deep'], { DATA_DIR: dataDir })
  t.is(checked.code, 0, checked.stdout + checked.stderr)
}

function bearer(token: string | undefined): { authorization: string } {
  return { authorization: `Bearer ${token}` }
}
