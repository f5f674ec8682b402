import { Agent, createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { type ServerProcess, startServerProcess } from '../support/cli.js'
import { tempFolder } from '../support/folder.js'
import { testRedis } from '../support/redis.js'

const CHECK_MS = 50

/** What stands before several servers: sends each request to the next one that says at `/readyz` that it is ready. No second try. */
async function balancer(t: ExecutionContext) {
  const agent = new Agent({ keepAlive: true })
  const targets = new Map<string, boolean>()
  let turn = 0
  const check = setInterval(async () => {
    for (const url of targets.keys()) {
      const isReady = await fetch(`${url}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      )
      if (targets.has(url)) targets.set(url, isReady)
    }
  }, CHECK_MS)
  const server = createServer((req, res) => {
    const ready = [...targets].flatMap(([url, isReady]) => (isReady ? [url] : []))
    const url = ready[turn++ % ready.length]
    if (url === undefined) {
      res.writeHead(502).end()
      return
    }
    const { hostname, port } = new URL(url)
    const { method, headers, url: path } = req
    const onward = request({ agent, hostname, port, method, path, headers }, (answer) => {
      res.writeHead(answer.statusCode ?? 502)
      answer.pipe(res)
    })
    onward.on('error', (error) => res.writeHead(502).end(error.message))
    req.pipe(onward)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    clearInterval(check)
    agent.destroy()
    server.closeAllConnections()
    server.close()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    add: async (url: string) => {
      targets.set(url, false)
      while (!targets.get(url)) await delay(10)
    },
    drop: (url: string) => targets.delete(url),
  }
}

test('servers are restarted one after the other under load, and no request fails', async (t) => {
  const redis = await testRedis()
  const dataDir = tempFolder(t)
  const settings = { REDIS_URL: redis.socket, DRAIN_WAIT: '1' }
  const start = () => startServerProcess(dataDir, settings)
  const first = await start()
  const servers: ServerProcess[] = [first, await start()]
  t.teardown(async () => {
    await Promise.all(servers.map((server) => server.end('SIGTERM')))
    await redis.stop()
  })
  const front = await balancer(t)
  for (const { url } of servers) await front.add(url)

  const headers = { authorization: `Bearer ${first.token}` }
  const failures: string[] = []
  const written: string[] = []
  let stopped = false
  const client = async (name: number) => {
    for (let count = 0; !stopped; count++) {
      const path = `/v1/code/spaces/files/content/c${name}/${count}`
      for (const method of ['POST', 'GET']) {
        const body = method === 'POST' ? `${name} ${count}` : undefined
        const answer = await fetch(front.url + path, { method, headers, ...(body !== undefined && { body }) })
        const text = await answer.text()
        if (answer.status !== 200) failures.push(`${method} ${path}: ${answer.status} ${text}`)
        else if (method === 'POST') written.push(path)
      }
    }
  }
  const polls = async () => {
    for (let since = 0; !stopped; ) {
      const answer = await fetch(`${front.url}/v1/code/spaces/files/changes?since=${since}&wait=1`, {
        headers,
      })
      if (answer.status !== 200) failures.push(`poll: ${answer.status} ${await answer.text()}`)
      else since = ((await answer.json()) as { latest_seq: number }).latest_seq
    }
  }
  const load = Promise.all([client(1), client(2), client(3), polls()])
  for (const [index, old] of [...servers].entries()) {
    const before = written.length
    while (written.length < before + 20) await delay(10)
    t.is(await old.end('SIGTERM'), 0)
    front.drop(old.url)
    const fresh = await start()
    servers[index] = fresh
    await front.add(fresh.url)
  }
  stopped = true
  await load
  t.deepEqual(failures, [])
  t.true(written.length > 40)
})

test('while it drains a server is alive, not ready, and takes requests on connections that end', async (t) => {
  const server = await startServerProcess(tempFolder(t), { DRAIN_WAIT: '600' })
  const ask = (path: string) =>
    fetch(server.url + path, { headers: { authorization: `Bearer ${server.token}` } })
  t.is((await ask('/readyz')).headers.get('connection'), 'keep-alive')
  const ended = server.end('SIGTERM')
  while ((await ask('/readyz')).status !== 503) await delay(10)
  t.like(await (await ask('/readyz')).json(), { status: 'draining' })
  t.is((await ask('/healthz')).status, 200)
  const answer = await ask('/v1/whoami')
  t.is(answer.status, 200)
  t.is(answer.headers.get('connection'), 'close')
  // A second signal waits no longer.
  process.kill(server.pid, 'SIGTERM')
  t.is(await ended, 0)
})
