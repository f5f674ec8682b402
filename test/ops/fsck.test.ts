import { rmSync } from 'node:fs'
import test from 'ava'
import { runCli, startServerProcess } from '../support/cli.js'
import { tempFolder } from '../support/folder.js'

test('fsck ends with 0 where all is well and with 3 where not, beside a running server and without one', async (t) => {
  const dataDir = tempFolder(t)
  const server = await startServerProcess(dataDir)
  t.teardown(() => server.end('SIGKILL'))
  const headers = { authorization: `Bearer ${server.token}` }
  const space = `${server.url}/v1/code/spaces/files`
  t.is(
    (await fetch(`${space}/content/a/b.txt`, { method: 'POST', headers, body: 'x'.repeat(100_000) })).status,
    200,
  )

  const settings = { DATA_DIR: dataDir }
  const well = await runCli(['fsck', '--deep'], settings)
  t.is(well.code, 0, well.stderr)
  t.regex(well.stdout, /^1 spaces, 2 folders, 1 files of 100000 bytes, 1 blobs, 2 changes: all is well\.\n$/)

  await server.end('SIGTERM')
  rmSync(`${dataDir}/blobs`, { recursive: true })
  const wrong = await runCli(['fsck', '--repair'], settings)
  t.is(wrong.code, 3, wrong.stderr)
  t.regex(wrong.stdout, /:\/a\/b\.txt: blob-missing: Its blob is not in the store\.[^\n]*\n.* 1 problem\.\n$/)
  const json = await runCli(['fsck', '--json'], settings)
  t.is(json.code, 3)
  t.like(JSON.parse(json.stdout), {
    problems: [{ kind: 'blob-missing', path: 'a/b.txt', repaired: false }],
    counts: { files: 1, problems: 1 },
  })
})
