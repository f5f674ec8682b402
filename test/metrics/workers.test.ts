import test from 'ava'
import { startServerProcess } from '../support/cli.js'
import { tempFolder } from '../support/folder.js'
import { scrape } from './scrape.js'

test('what several worker processes count is served added up', async (t) => {
  const dataDir = tempFolder(t)
  const server = await startServerProcess(dataDir, { WORKERS: '2', METRICS_PORT: '0' })
  t.teardown(() => server.end('SIGTERM'))
  const metric = scrape(server)
  const headers = { Authorization: `Bearer ${server.token}`, Connection: 'close' }
  for (let count = 0; count < 6; count++) {
    await (await fetch(`${server.url}/v1/whoami`, { headers })).text()
  }
  const count = () => metric('novem_http_requests_total', 'surface="novem"', 'status="200"')
  for (const deadline = Date.now() + 20_000; (await count()) !== 6; ) t.true(Date.now() < deadline)
  t.is(await metric('novem_maintenance_rounds_total'), 1)
})
