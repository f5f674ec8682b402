import { mkdtempSync, rmSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import { type ServerProcess, startServerProcess } from '../support/cli.js'
import { tempFolder } from '../support/folder.js'

const FILES = '/v1/code/spaces/files'

let server: ServerProcess
const dataDir = mkdtempSync('/tmp/novem-metrics-')
test.before(async () => {
  server = await startServerProcess(dataDir, { ACCESS_LOG: 'on', LOG_LEVEL: 'silent' })
})
test.after.always(async () => {
  await server.end('SIGTERM')
  rmSync(dataDir, { recursive: true, force: true })
})

function call(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = { Authorization: `Bearer ${server.token}`, ...init.headers }
  return fetch(server.url + path, { ...init, headers })
}

/** The line of the request that was answered so. */
async function lineOf(answer: Response) {
  await answer.arrayBuffer()
  const id = answer.headers.get('x-request-id')
  for (const deadline = Date.now() + 20_000; ; await delay(10)) {
    const line = server
      .stderr()
      .split('\n')
      .find((text) => text.includes(`"request":"${id}"`))
    if (line !== undefined) return JSON.parse(line)
    if (Date.now() > deadline) throw new Error(`no line for ${id}`)
  }
}

test('a line says who asked for what, and how it went', async (t) => {
  const line = await lineOf(await call(`${FILES}/content/a.txt`, { method: 'POST', body: 'x'.repeat(3000) }))
  t.like(line, {
    surface: 'novem',
    method: 'POST',
    path: `${FILES}/content/a.txt`,
    status: 200,
    msg: 'request',
  })
  t.regex(line.account, /^\w+$/)
  t.true(line.ms > 0 && line.received > 3000 && line.sent > 100)
  const drive = await lineOf(await call('/dav/files/', { method: 'PROPFIND', headers: { depth: '0' } }))
  t.like(drive, { surface: 'dav', method: 'PROPFIND', status: 207, account: line.account })
  const nobody = await lineOf(await call('/v1/whoami', { headers: { Authorization: '' } }))
  t.like(nobody, { status: 401, account: undefined })
})

test('the id of a request is taken where it is harmless, and answered', async (t) => {
  const ask = (id: string) => call('/v1/whoami', { headers: { 'x-request-id': id } })
  t.is((await lineOf(await ask('trace-1.a:b/c'))).request, 'trace-1.a:b/c')
  for (const id of ['a b', '"quoted"', 'x'.repeat(129), 'ü']) {
    const { request } = await lineOf(await ask(id))
    t.regex(request, /^[0-9a-f-]{36}$/, id)
  }
  const [one, other] = [await call('/v1/whoami'), await call('/v1/whoami')]
  t.not(one.headers.get('x-request-id'), other.headers.get('x-request-id'))
})

test('neither tokens nor what signs a URL are in it', async (t) => {
  const signed = '/api/v1/space/files/storage/eA/put?signature=s3cr3t'
  await lineOf(await call(signed, { method: 'PUT', body: 'x' }))
  await lineOf(await call('/v1/spaces/preview/shr_s3cr3t'))
  await lineOf(await call('/join?token=shr_s3cr3t'))
  await lineOf(await call('/v1/whoami', { headers: { Authorization: 'Bearer nbt-s3cr3t' } }))
  t.notRegex(server.stderr(), /s3cr3t/)
  t.false(server.stderr().includes(server.token ?? ''))
})

test('health checks are left out, and so is everything where the log was not asked for', async (t) => {
  for (const path of ['/healthz', '/readyz']) t.is((await call(path)).status, 200)
  await lineOf(await call('/v1/whoami'))
  t.notRegex(server.stderr(), /healthz|readyz/)
  const quiet = await startServerProcess(tempFolder(t))
  t.teardown(() => quiet.end('SIGTERM'))
  await (await fetch(`${quiet.url}/v1/whoami`)).text()
  t.is(quiet.stderr(), '')
})
