import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { lacking, unmount, untilMounted, willBeMounted } from '../support/mounts.js'
import { runProgram } from '../support/programs.js'
import { type Drive, must, startDrive, withPrograms, workingDay } from './drive.js'

/** Names that many a server lists under a wrong href; the last one is in decomposed form. */
const NAMES = [
  ...[
    'a b',
    '#hash',
    '100%',
    '%41',
    'semi;colon',
    'a&b',
    "it's",
    '+plus+',
    '~t',
    '.h',
    '@at',
    '$d',
    'a=b,c!',
  ],
  ...['#%;&+', '[x](y){z}', 'ünïc ☃', 'e\u0301 nfd'],
]

for (const vendor of ['other', 'owncloud']) {
  withPrograms(['rclone'])(
    `rclone (vendor ${vendor}): a working day of copying, moving and synchronising`,
    async (t) => {
      const drive = await startDrive(t)
      const rclone = await remote(t, drive, vendor)
      const source = tree(drive.local)
      await rclone('copy', source, 'dav:day')
      await rclone('check', '--download', source, 'dav:day')
      // owncloud's clients compare MD5 and keep times; with `other` there are sizes only.
      await rclone('check', source, 'dav:day')
      const listed = await rclone('lsl', 'dav:day/old')
      t.is(listed.includes('2001-09-09'), vendor === 'owncloud', listed)

      rmSync(join(source, 'd', 'a b'))
      writeFileSync(join(source, 'd', '#hash'), 'changed, and longer')
      writeFileSync(join(source, 'new'), 'new')
      await rclone('sync', source, 'dav:day')
      await rclone('check', '--download', source, 'dav:day')

      await rclone('move', 'dav:day/d', 'dav:day/moved')
      await rclone('moveto', 'dav:day/big', 'dav:day/BIG file')
      await rclone('copyto', 'dav:day/BIG file', 'dav:day/again')
      await rclone('move', '--delete-empty-src-dirs', 'dav:day', join(drive.local, 'back'))
      t.is(await rclone('lsf', '-R', 'dav:'), 'day/\n')
      await rclone('move', join(drive.local, 'back'), 'dav:day')
      t.is((await rclone('lsf', 'dav:day/moved')).split('\n').length, NAMES.length)
      t.regex(await rclone('about', 'dav:'), /Total: +5 GiB\n/)
      await drive.agrees(t)

      await rclone('delete', 'dav:day')
      await rclone('purge', 'dav:day')
      t.is(await rclone('lsf', 'dav:'), '')
      await drive.agrees(t)
    },
  )
}

withPrograms(['rclone'])(
  'rclone: names that no Windows has are refused, or encoded where rclone is told to',
  async (t) => {
    const drive = await startDrive(t)
    const rclone = await remote(t, drive, 'other')
    const source = join(drive.local, 'source')
    mkdirSync(source)
    for (const name of ['what?', 'a:b', 'back\\slash', 'end.']) writeFileSync(join(source, name), name)
    const { code, said } = await rclone.run('copy', '--retries', '1', source, 'dav:day')
    t.not(code, 0)
    t.regex(said, /The name \\"what\?\\" is refused: the characters .* are not allowed/)
    t.is(await rclone('lsf', 'dav:day'), '')
    const encoding =
      'Slash,LtGt,DoubleQuote,Colon,Question,Asterisk,Pipe,BackSlash,Ctl,RightSpace,RightPeriod,Dot'
    await rclone('copy', '--webdav-encoding', encoding, source, 'dav:day')
    await rclone('check', '--download', '--webdav-encoding', encoding, source, 'dav:day')
    await drive.agrees(t)
  },
)

withPrograms(['rclone', 'fusermount3'], lacking({ root: false }))(
  'rclone mount: a working day on a mounted drive',
  async (t) => {
    const drive = await startDrive(t)
    const { env } = await remote(t, drive, 'owncloud')
    const folder = join(drive.local, 'mounted')
    mkdirSync(folder)
    const cache = [
      '--vfs-cache-mode',
      'full',
      '--vfs-write-back',
      '0s',
      '--cache-dir',
      join(drive.local, 'cache'),
    ]
    const child = spawn('rclone', ['mount', ...cache, 'dav:', folder], {
      env: { ...process.env, ...env },
      stdio: 'ignore',
    })
    const ended = once(child, 'close')
    t.teardown(async () => {
      child.kill('SIGTERM')
      await ended
    })
    willBeMounted(t, folder)
    await untilMounted(folder)
    const seen = await workingDay(t, folder, drive.local)
    await drive.becomes(t, 'day', seen)
    await unmount(folder)
    await drive.agrees(t)
  },
)

interface Rclone {
  /** A command that must end well, and what it said. */
  (...args: readonly string[]): Promise<string>
  run(...args: readonly string[]): ReturnType<typeof runProgram>
  readonly env: Readonly<Record<string, string>>
}

/** rclone with our drive as `dav:`. */
async function remote(
  t: ExecutionContext,
  { url, user, token, local }: Drive,
  vendor: string,
): Promise<Rclone> {
  const config = join(local, 'rclone.conf')
  writeFileSync(config, '')
  const { said } = await must(t, 'rclone', ['obscure', token])
  const env = {
    RCLONE_CONFIG: config,
    RCLONE_CONFIG_DAV_TYPE: 'webdav',
    RCLONE_CONFIG_DAV_URL: url,
    RCLONE_CONFIG_DAV_VENDOR: vendor,
    RCLONE_CONFIG_DAV_USER: user,
    RCLONE_CONFIG_DAV_PASS: said.trim(),
  }
  const run = (...args: readonly string[]) => runProgram('timeout', ['60', 'rclone', ...args], { env })
  const succeed = async (...args: readonly string[]) => {
    const { code, said } = await run(...args)
    t.is(code, 0, `rclone ${args.join(' ')}\n${said}`)
    return said
  }
  return Object.assign(succeed, { run, env })
}

function tree(local: string): string {
  const source = join(local, 'source')
  mkdirSync(join(source, 'd'), { recursive: true })
  for (const name of NAMES) writeFileSync(join(source, 'd', name), name)
  writeFileSync(join(source, 'big'), Buffer.alloc(3_000_000, 'some bytes'))
  writeFileSync(join(source, 'nothing'), '')
  writeFileSync(join(source, 'old'), 'old')
  utimesSync(join(source, 'old'), 1_000_000_000, 1_000_000_000)
  return source
}
