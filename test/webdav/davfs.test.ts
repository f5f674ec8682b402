import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { asRoot, lacking, unmount, willBeMounted } from '../support/mounts.js'
import { runProgram } from '../support/programs.js'
import { type Drive, must, startDrive, withPrograms, workingDay } from './drive.js'

/** davfs2 keeps a folder for each mount in here, which its own user must be able to enter. */
const CACHE = '/var/cache/davfs2'

const withDavfs = withPrograms(['mount.davfs'], lacking({ root: true }))

withDavfs('davfs2, with locks: a working day on a mounted drive', async (t) => {
  const drive = await startDrive(t)
  const folder = await mount(t, drive)
  const seen = await workingDay(t, folder, drive.local)
  // While a file is open for writing it is locked for everybody else.
  const holding = join(folder, 'day', 'held.txt')
  const handle = await open(holding, 'w')
  await handle.write('x')
  const headers = { authorization: `Bearer ${drive.token}` }
  t.is((await fetch(`${drive.url}/day/held.txt`, { method: 'DELETE', headers })).status, 423)
  await handle.close()
  await must(t, 'timeout', ['30', 'rm', holding])
  const refused = await runProgram('timeout', [
    '30',
    'sh',
    '-c',
    'echo no > "$1"',
    'sh',
    join(folder, 'what?'),
  ])
  t.not(refused.code, 0)
  t.regex(refused.said, /Invalid argument/)
  await unmount(folder)
  await drive.becomes(t, 'day', seen)
  await drive.agrees(t)
})

withDavfs('davfs2: what one mount writes another one reads', async (t) => {
  const drive = await startDrive(t)
  const [one, two] = [await mount(t, drive), await mount(t, drive)]
  await must(t, 'timeout', ['30', 'sh', '-c', 'mkdir "$1/d" && seq 1000 > "$1/d/f"', 'sh', one])
  await unmount(one)
  const { said } = await must(t, 'timeout', ['30', 'tail', '-n', '1', join(two, 'd/f')])
  t.is(said, '1000\n')
  await unmount(two)
  await drive.agrees(t)
})

/** The setting `buf_size` is for kernels from 6.x on, whatever the server: without it folders cannot be read. */
async function mount(t: ExecutionContext, { url, user, token, local }: Drive): Promise<string> {
  const name = `m${readdirSync(local).length}`
  const folder = join(local, name)
  const [conf, secrets] = [join(local, `${name}.conf`), join(local, `${name}.secrets`)]
  mkdirSync(folder)
  writeFileSync(secrets, `${url}/ ${user} ${token}\n`, { mode: 0o600 })
  writeFileSync(conf, `buf_size 256\nuse_locks 1\ndelay_upload 0\nsecrets ${secrets}\n`)
  t.teardown(() => clean(folder))
  willBeMounted(t, folder)
  const options = `conf=${conf},uid=${process.getuid?.()},gid=${process.getgid?.()}`
  await must(t, 'timeout', ['30', ...(asRoot() ?? []), 'mount.davfs', '-o', options, `${url}/`, folder])
  return folder
}

/** What davfs2 keeps of a mount that is gone. */
async function clean(folder: string): Promise<void> {
  const kept = readdirSync(CACHE).filter((name) => name.includes(`+${folder.slice(1).replaceAll('/', '-')}+`))
  for (const name of kept)
    await runProgram('timeout', ['30', ...(asRoot() ?? []), 'rm', '-r', join(CACHE, name)])
}
