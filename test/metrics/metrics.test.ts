import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import test from 'ava'
import { type ServerProcess, startServerProcess } from '../support/cli.js'
import { tempFolder } from '../support/folder.js'
import { scrape } from './scrape.js'

const FILES = '/v1/code/spaces/files'

let server: ServerProcess
let metric: ReturnType<typeof scrape>
const dataDir = mkdtempSync('/tmp/novem-metrics-')
test.before(async () => {
  server = await startServerProcess(dataDir, { METRICS_PORT: '0' })
  metric = scrape(server)
})
test.after.always(async () => {
  await server.end('SIGTERM')
  rmSync(dataDir, { recursive: true, force: true })
})

function call(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = { Authorization: `Bearer ${server.token}`, ...init.headers }
  return fetch(server.url + path, { ...init, headers })
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 20_000; !(await condition()); ) {
    if (Date.now() > deadline) throw new Error('It did not come about within 20 s.')
  }
}

test.serial('requests count by surface, method and status, with their time and bytes', async (t) => {
  await (await call(`${FILES}/content/a.txt`, { method: 'POST', body: 'x'.repeat(5000) })).text()
  await (await call('/dav/files/', { method: 'PROPFIND', headers: { depth: '1' } })).text()
  await (await call('/v1/nothing')).text()
  await (await call('/v1/whoami', { method: 'SOURCE' })).text()
  const count = (...labels: string[]) => metric('novem_http_requests_total', ...labels)
  await until(async () => (await count('surface="novem"', 'method="other"')) === 1)
  t.is(await count('surface="novem"', 'method="POST"', 'status="200"'), 1)
  t.is(await count('surface="dav"', 'method="PROPFIND"', 'status="207"'), 1)
  t.is(await count('surface="novem"', 'method="GET"', 'status="404"'), 1)
  t.is(await metric('novem_http_request_seconds_count', 'method="POST"'), 1)
  t.true((await metric('novem_http_bytes_total', 'surface="novem"', 'direction="received"')) > 5000)
})

test.serial('operations count by result, refusals of quotas among them', async (t) => {
  const refused = await call(`${FILES}/content/a.txt`, {
    method: 'POST',
    body: 'b',
    headers: { 'if-match': '"0"' },
  })
  t.is(refused.status, 412)
  const huge = request(`${server.url}${FILES}/content/huge`, {
    method: 'POST',
    headers: {
      Authorization: `Bearer ${server.token}`,
      'Content-Length': 2 ** 40,
      Expect: '100-continue',
    },
  })
  huge.flushHeaders()
  const [answer] = (await once(huge, 'response')) as [IncomingMessage]
  huge.destroy()
  t.is(answer.statusCode, 413)
  const results = (result: string) => metric('novem_operations_total', `result="${result}"`)
  t.is(await results('PRECONDITION_FAILED'), 1)
  t.is(await results('FILE_TOO_LARGE'), 1)
  t.true((await metric('novem_operations_total', 'kind="write"', 'result="ok"')) >= 1)
})

test.serial('Redis scripts and the blob store are timed, and the process is', async (t) => {
  await (await call(`${FILES}/content/b.bin`, { method: 'POST', body: Buffer.alloc(200_000) })).text()
  await (await call(`${FILES}/content/b.bin`)).arrayBuffer()
  t.true((await metric('novem_redis_script_seconds_count', 'script="write"')) >= 1)
  t.true((await metric('novem_redis_script_seconds_count', 'script="load"')) >= 1)
  t.true((await metric('novem_blob_seconds_count', 'operation="put"')) >= 1)
  t.true((await metric('novem_blob_seconds_count', 'operation="lend"')) >= 1)
  t.true((await metric('process_resident_memory_bytes')) > 0)
})

test.serial('whoever waits for changes is counted, mounts by themselves', async (t) => {
  const waiters = (...labels: string[]) => metric('novem_journal_waiters', ...labels)
  const gone = new AbortController()
  const stream = await call(`${FILES}/changes`, {
    headers: { accept: 'text/event-stream', 'user-agent': 'novem-mount' },
    signal: gone.signal,
  })
  t.is(stream.status, 200)
  const polled = call(`${FILES}/changes?since=1000000&wait=60`, { signal: gone.signal }).catch(() => 'gone')
  await until(async () => (await waiters('kind="stream"', 'client="mount"')) === 1)
  await until(async () => (await waiters('kind="poll"', 'client="other"')) === 1)
  gone.abort()
  t.is(await polled, 'gone')
  await until(async () => (await waiters()) === 0)
  t.is(await metric('novem_http_request_seconds_count', 'path="/changes"'), 0)
})

test.serial('a change wakes who waits, and how long that took is known', async (t) => {
  const { latest_seq: since } = (await (await call(`${FILES}/changes`)).json()) as { latest_seq: number }
  const before = await metric('novem_journal_lag_seconds_count')
  const polled = call(`${FILES}/changes?since=${since}&wait=60`)
  await until(async () => (await metric('novem_journal_waiters', 'kind="poll"')) === 1)
  await (await call(`${FILES}/content/news`, { method: 'POST', body: 'x' })).text()
  t.is(((await (await polled).json()) as { changes: unknown[] }).changes.length, 1)
  t.is(await metric('novem_journal_lag_seconds_count'), before + 1)
})

test.serial('maintenance tells when it was last done', async (t) => {
  await until(async () => (await metric('novem_maintenance_rounds_total', 'outcome="done"')) >= 1)
  t.true((await metric('novem_maintenance_last_round_timestamp_seconds')) > 1e9)
  t.is(await metric('novem_collector_failures_total'), 0)
})

test.serial('the public listener serves no metrics, the operator’s nothing else', async (t) => {
  t.is((await call('/metrics')).status, 404)
  const { url } = metric
  t.is((await fetch(url.replace('/metrics', '/v1/whoami'))).status, 404)
  t.is((await fetch(url, { method: 'POST' })).status, 404)
})

test('nothing is measured or served unless a port is given', async (t) => {
  const quiet = await startServerProcess(tempFolder(t))
  t.teardown(() => quiet.end('SIGTERM'))
  t.notRegex(quiet.stderr(), /Metrics/)
})

test.serial('every metric is explained, and the dashboard asks for no other', async (t) => {
  const folder = new URL('../../../src/metrics/', import.meta.url)
  const text = (name: string) => readFileSync(new URL(name, folder), 'utf8')
  const served = await (await fetch(metric.url)).text()
  const there = [...served.matchAll(/^# TYPE (novem_\w+) /gm)].map(([, name]) => name ?? '')
  const explained = [...text('README.md').matchAll(/^\| `(novem_\w+)`/gm)].map(([, name]) => name ?? '')
  t.deepEqual(explained.sort(), there.sort())
  const asked = [...text('dashboard.json').matchAll(/\bnovem_\w+/g)].map(([name]) =>
    name.replace(/_bucket$/, ''),
  )
  t.deepEqual(
    asked.filter((name) => !there.includes(name)),
    [],
  )
})
