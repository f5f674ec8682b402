import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { cleanEnvironment, MAIN, startServerProcess } from '../support/cli.js'
import { tempFolder } from '../support/folder.js'

test('export and import are for the shell; what fails leaves no space behind', async (t) => {
  const folder = tempFolder(t)
  const dataDir = join(folder, 'data')
  const server = await startServerProcess(dataDir)
  t.teardown(() => server.end('SIGTERM'))
  const headers = { authorization: `Bearer ${server.token}` }
  const content = (space: string) => `${server.url}/v1/code/spaces/${space}/content/a.txt`
  await fetch(content('files'), { method: 'POST', headers, body: 'hello' })
  const account = await (await fetch(`${server.url}/v1/whoami`, { headers })).text()
  const run = (args: string[], input?: Buffer) =>
    spawnSync(process.execPath, [MAIN, ...args], {
      env: cleanEnvironment({ DATA_DIR: dataDir, DURABILITY: 'os' }),
      ...(input && { input }),
    })
  const exported = run(['export', `@${account}~files`])
  t.is(exported.status, 0, String(exported.stderr))
  writeFileSync(join(folder, 'files.tar'), exported.stdout)
  const listed = spawnSync('tar', ['tf', join(folder, 'files.tar')], { encoding: 'utf8' })
  t.true(listed.stdout.split('\n').includes('content/a.txt'), listed.stderr)

  const imported = run(['import', `@${account}~copy`], exported.stdout)
  t.is(imported.status, 0, String(imported.stderr))
  t.is(await (await fetch(content('copy'), { headers })).text(), 'hello')

  const half = run(['import', `@${account}~half`], exported.stdout.subarray(0, 2000))
  t.is(half.status, 1)
  t.regex(String(half.stderr), /no whole export/)
  t.is((await fetch(content('half'), { headers })).status, 404)
  t.is(run(['import', `@${account}~copy`], exported.stdout).status, 1, 'it is there')
  t.is(run(['export', 'copy']).status, 2)
  t.regex(String(run(['export', `@${account}~nothing`]).stderr), /no space/)
})
