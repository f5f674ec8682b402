import { readFileSync } from 'node:fs'
import { Agent, type IncomingMessage, request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { type ServerProcess, startServerProcess } from '../support/cli.js'
import { tempFolder } from '../support/folder.js'

/** One server of two processes that answer (`serve --workers 2`); the rest of the tests run there by `npm run test:workers`. */

const CONTENT = '/v1/code/spaces/files/content'

async function start(t: ExecutionContext, settings: Readonly<Record<string, string>> = {}) {
  const server = await startServerProcess(tempFolder(t), { WORKERS: '2', ...settings })
  t.teardown(() => server.end('SIGTERM'))
  return server
}

interface Answer {
  readonly status: number
  readonly text: string
  readonly headers: IncomingMessage['headers']
}

/** A client with a connection of its own; the primary hands them to its workers in turn. */
function client(t: ExecutionContext, server: ServerProcess) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => agent.destroy())
  return (method: string, path: string, body = '', headers: Readonly<Record<string, string>> = {}) =>
    new Promise<Answer>((resolve, reject) => {
      const sent = request(
        server.url + path,
        { agent, method, headers: { authorization: `Bearer ${server.token}`, ...headers } },
        (response) => {
          let text = ''
          response.setEncoding('utf8').on('data', (piece: string) => {
            text += piece
          })
          response.on('end', () =>
            resolve({ status: response.statusCode ?? 0, text, headers: response.headers }),
          )
        },
      )
      sent.on('error', reject)
      sent.end(body)
    })
}

/** Process ids of the primary's workers. */
function workersOf({ pid }: ServerProcess): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number)
  return children.filter((child) => readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('main.js'))
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await delay(10)
}

test('what one worker writes the other one reads at once, and both count in one journal', async (t) => {
  const server = await start(t)
  t.is(workersOf(server).length, 2)
  const clients = [client(t, server), client(t, server), client(t, server), client(t, server)]
  const rounds = 25
  for (let n = 0; n < rounds; n++) {
    const writer = clients[n % clients.length] as (typeof clients)[0]
    t.is((await writer('POST', `${CONTENT}/shared.txt`, `round ${n}`)).status, 200)
    for (const reader of clients) t.is((await reader('GET', `${CONTENT}/shared.txt`)).text, `round ${n}`)
  }
  await Promise.all(
    clients.map(async (send, at) => {
      for (let n = 0; n < rounds; n++) await send('POST', `${CONTENT}/of-${at}/${n}.txt`, 'x')
    }),
  )
  const { changes } = JSON.parse(
    (await (clients[0] as (typeof clients)[0])('GET', '/v1/code/spaces/files/changes?since=0&limit=1000'))
      .text,
  )
  const all = rounds + clients.length * (rounds + 1)
  t.deepEqual(
    changes.map(({ seq }: { seq: number }) => seq),
    Array.from({ length: all }, (_, n) => n + 1),
  )
})

test('of writes that exclude each other one wins, whoever takes them', async (t) => {
  const server = await start(t)
  const clients = Array.from({ length: 4 }, () => client(t, server))
  for (let n = 0; n < 20; n++) {
    const answers = await Promise.all(
      clients.map((send) => send('POST', `${CONTENT}/once-${n}.txt`, 'x', { 'if-none-match': '*' })),
    )
    t.deepEqual(answers.map(({ status }) => status).sort(), [200, 412, 412, 412])
  }
})

test('who waits at one worker hears of what another one wrote', async (t) => {
  const server = await start(t)
  const waiting = Array.from({ length: 4 }, () =>
    client(t, server)('GET', '/v1/code/spaces/files/changes?since=0&wait=30'),
  )
  await client(t, server)('POST', `${CONTENT}/news.txt`, 'x')
  for (const { text } of await Promise.all(waiting)) t.is(JSON.parse(text).changes[0].path, 'news.txt')
})

test('a worker that is killed is replaced, and the others go on', async (t) => {
  const server = await start(t)
  const [killed] = workersOf(server)
  process.kill(killed as number, 'SIGKILL')
  await until(() => server.stderr().includes('Another one takes its place'))
  for (let n = 0; n < 4; n++) t.is((await client(t, server)('GET', CONTENT)).status, 200)
  await until(() => workersOf(server).length === 2)
  t.false(workersOf(server).includes(killed as number))
})

test('SIGTERM to all processes at once, as Ctrl-C sends it, finishes what runs', async (t) => {
  const server = await start(t)
  const send = client(t, server)
  await send('POST', `${CONTENT}/a.txt`, 'x')
  const waiting = client(t, server)('GET', '/v1/code/spaces/files/changes?since=1&wait=2')
  for (const pid of workersOf(server)) process.kill(pid, 'SIGTERM')
  t.is((await send('GET', CONTENT)).status, 200)
  t.is(await server.end('SIGTERM'), 0)
  t.true([200, 503].includes((await waiting).status))
})

test('workers end with a primary that is killed', async (t) => {
  const dataDir = tempFolder(t)
  const server = await startServerProcess(dataDir, { WORKERS: '2' })
  const workers = workersOf(server)
  await server.end('SIGKILL')
  await until(() => workers.every(isGone))
  const again = await startServerProcess(dataDir, { WORKERS: '2' })
  t.teardown(() => again.end('SIGTERM'))
  t.is((await fetch(`${again.url}/healthz`)).status, 200)
})

test('a port that is in use is said once, and nothing is left running', async (t) => {
  const server = await start(t)
  const { port } = new URL(server.url)
  const error = await t.throwsAsync(startServerProcess(tempFolder(t), { WORKERS: '2', PORT: port }))
  t.regex(error?.message ?? '', new RegExp(`Port ${port} on 127.0.0.1 is in use; choose another`))
})

/** Or a zombie, where process 1 is no real init. */
function isGone(pid: number): boolean {
  try {
    return /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return true
  }
}
