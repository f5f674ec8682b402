import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { team } from '../sharing/fixture.js'
import { runCli, startServerProcess } from '../support/cli.js'
import { tempFolder } from '../support/folder.js'
import { type TestServer, testServer } from '../support/server.js'
import { LACKING, type MountOptions, mountSpace, must, runTimed, SpaceMount } from './support/mounting.js'
import { agrees, contentsOf, makeSpace } from './support/space-view.js'

/** What is refused, and how programs hear of it: nothing is lost in silence, nobody hangs. */

const MB = 1_000_000
const mountTest = LACKING.length === 0 ? test.serial : test.skip

let server: TestServer
let users = 0
test.before(async () => {
  server = await testServer({
    plans: { premium: { spaces: 100 }, basic: { fileBytes: 2 * MB, spaceBytes: 1250 * 4096, entries: 20 } },
  })
})
test.after.always(() => server.stop())

interface Scene {
  readonly mount: SpaceMount
  /** A shell script in the mount: what it said, and its code where that is not 0. */
  sh(script: string, seconds?: number): Promise<string>
  fetch(path: string, init?: RequestInit): Promise<Response>
  names(): Promise<string[]>
  end(): Promise<void>
}

/** A space of somebody with little room. */
async function small(t: ExecutionContext, options: MountOptions = {}): Promise<Scene> {
  const user = { ...server, ...(await server.user(`user${++users}`, { plan: 'basic' })) }
  const at = { ...user, space: 'files' }
  await makeSpace(at)
  const mount = await mountSpace(t, user, 'files', options)
  return {
    mount,
    sh: shellIn(mount.dir),
    fetch: (path, init) => user.fetch(`/v1/code/spaces/files/content/${path}`, init),
    names: async () => [...(await contentsOf(at)).keys()],
    end: async () => {
      await mount.end()
      await agrees(t, user, 'files')
    },
  }
}

function shellIn(dir: string): Scene['sh'] {
  return async (script, seconds = 40) => {
    const { code, said } = await runTimed('sh', ['-c', script], { cwd: dir, seconds, env: { LC_ALL: 'C' } })
    return code === 0 ? said.trim() : `${said.trim()} (${code})`
  }
}

async function until(condition: () => Promise<boolean>, what: string): Promise<void> {
  for (const end = Date.now() + 40_000; !(await condition()); await delay(50)) {
    if (Date.now() > end) throw new Error(`It did not come to this: ${what}`)
  }
}

for (const kind of ['through', 'back'] as const) {
  mountTest(`${kind}: a space that is full, a file that is too large, and room again`, async (t) => {
    const s = await small(t, { kind })
    t.is(await s.sh('for i in 1 2 3; do head -c 1600000 /dev/zero > $i; done; ls'), '1\n2\n3')
    t.regex(await s.sh('head -c 1000000 /dev/zero > 4'), /Disk quota exceeded|No space left/)
    t.regex(await s.sh('head -c 2000001 /dev/zero > 5'), /File too large|Disk quota exceeded/)
    t.regex(await s.sh('truncate -s 2000001 1'), /File too large/)
    t.regex(await s.sh('printf x | dd of=1 bs=1 seek=2000000 conv=notrunc'), /File too large/)
    await s.sh('rm -f 4 5 3')
    t.is(
      await s.sh(
        'for i in $(seq 200); do head -c 1000000 /dev/zero > 4 2>/dev/null && break; done; stat -c %s 4',
      ),
      '1000000',
    )
    await s.end()
    t.deepEqual(await s.names(), ['1', '2', '4'])
  })

  mountTest(`${kind}: so many entries and no more`, async (t) => {
    const s = await small(t, { kind })
    t.is(await s.sh('for i in $(seq 20); do mkdir $i || exit; done'), '')
    t.regex(await s.sh('mkdir 21'), /Disk quota exceeded|No space left/)
    t.is(await s.sh('df --output=itotal,iused . | tail -1 | tr -s " "'), '20 20')
    t.is(await s.sh('rmdir 7; df --output=iused . | tail -1 | tr -d " "'), '19')
    await s.end()
  })

  mountTest(`${kind}: df tells the plan's room and what is used of it`, async (t) => {
    const s = await small(t, { kind })
    await s.sh('head -c 1024000 /dev/urandom > file; mkdir folder; sync file')
    await until(
      async () => (await s.sh('df -B1 --output=used,iused . | tail -1 | tr -s " "')) === '1024000 2',
      'what was written shows',
    )
    t.is(
      await s.sh('df -B1 --output=size,avail,itotal,iavail . | tail -1 | tr -s " "'),
      '5120000 4096000 20 18',
    )
    t.is(
      await s.sh('df --output=source,fstype . | tail -1 | tr -s " "'),
      'novem-spaces:files fuse.novem-spaces',
    )
    await s.end()
  })

  mountTest(`${kind}: what somebody else has locked is busy`, async (t) => {
    const s = await small(t, { kind })
    await s.sh('echo one > file; mkdir dir; echo two > dir/below; sync file dir/below')
    const user = {
      authorization: `Bearer ${(await server.directory.createToken((await account(users)).id, { name: 'dav' })).token}`,
    }
    const lock = await fetch(`${server.url}/dav/files/dir`, {
      method: 'LOCK',
      headers: { ...user, timeout: 'Second-600', depth: 'infinity' },
      body: '<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>',
    })
    t.is(lock.status, 200)
    const token = lock.headers.get('lock-token') ?? ''
    for (const command of [
      'rm dir/below',
      'mv dir/below other',
      'mv file dir/below',
      'mkdir dir/new',
      'mv dir moved',
      'rm -r dir',
    ]) {
      t.regex(await s.sh(command), /Device or resource busy/, command)
    }
    t.is(await s.sh('cat dir/below; ls dir'), 'two\nbelow')
    const refused = await s.sh('cp file dir/below')
    if (kind === 'through') t.regex(refused, /Device or resource busy/)
    else t.is(refused, '')
    if (kind === 'back') t.regex(await status(s), /dir\/below.*lock/i)
    t.is(
      (
        await fetch(`${server.url}/dav/files/dir`, {
          method: 'UNLOCK',
          headers: { ...user, 'lock-token': token },
        })
      ).status,
      204,
    )
    if (kind === 'through') t.is(await s.sh('cp file dir/below; rm file'), '')
    await until(async () => (await (await s.fetch('dir/below')).text()) === 'one\n', 'it arrived')
    await s.end()
  })
}

async function account(number: number) {
  const found = await server.directory.load(undefined, { owner: `user${number}`, name: 'files' })
  if (!found.space) throw new Error('no such account')
  return found.space.owner
}

/** `novem-spaces status`, as the mount's user. */
async function status({ mount }: Scene): Promise<string> {
  const { stdout, stderr } = await runCli(['status', mount.dir], { XDG_STATE_HOME: mount.cacheDir })
  return stdout + stderr
}

mountTest('back: what the server does not take is kept, shown, and sent when there is room', async (t) => {
  const s = await small(t, { kind: 'back' })
  await s.sh('echo x > before; sync before')
  for (const name of ['a', 'b', 'c']) await s.fetch(name, { method: 'POST', body: 'x'.repeat(1_600_000) })
  t.is(await s.sh('head -c 900000 /dev/zero > mine'), '')
  await until(
    async () => /mine \(.*\): .*room|mine \(.*\): .*quota|mine \(.*\): .*bytes/i.test(await status(s)),
    'status tells',
  )
  t.regex(s.mount.said(), /mine/)
  t.is(await s.sh('stat -c %s mine; head -c 900000 /dev/zero | cmp - mine'), '900000')
  t.regex(await s.sh('sync mine'), /Disk quota exceeded|No space left/)
  await s.fetch('a', { method: 'DELETE' })
  await until(async () => (await s.names()).includes('mine'), 'it arrived')
  await s.end()
  t.deepEqual(await s.names(), ['b', 'before', 'c', 'mine'])
})

mountTest('through: room that others have taken is missing at close', async (t) => {
  const s = await small(t)
  await s.sh('echo x > before')
  for (const name of ['a', 'b', 'c']) await s.fetch(name, { method: 'POST', body: 'x'.repeat(1_600_000) })
  t.regex(
    await s.sh('dd if=/dev/zero of=mine bs=900000 count=1 conv=fsync'),
    /Disk quota exceeded|No space left/,
  )
  // As on a disk that is full: a file without its bytes, or none.
  await until(async () => /^0$|No such file/.test(await s.sh('stat -c %s mine')), 'mine is empty')
  await s.sh('rm -f mine')
  await s.end()
  t.deepEqual(await s.names(), ['a', 'b', 'before', 'c'])
})

const CHANGES = [
  'echo x > new',
  'echo x >> file',
  ': > file',
  'rm file',
  'mkdir d',
  'rmdir dir',
  'mv file f',
  'touch -d @0 file',
  'truncate -s 1 file',
]

mountTest(
  'a share for reading only: EACCES; with the right to write: all of it; without any: nothing to mount',
  async (t) => {
    await makeSpace({ ...server, space: 'lent' })
    const reader = { ...server, ...(await server.user('reader')) }
    const at = '/v1/code/spaces/lent'
    await server.fetch(`${at}/content/file`, { method: 'POST', body: 'text' })
    await server.fetch(`${at}/content/dir/`, { method: 'PUT' })
    await t.throwsAsync(SpaceMount.start({ space: '@ann~lent', server: reader }), {
      message: /There is no space "lent" of "ann"/,
    })
    await team(server.directory, server, 'friends', reader)
    t.is((await server.fetch(`${at}/shared/@ann~friends`, { method: 'PUT' })).status, 201)
    const reading = await mountSpace(t, reader, '@ann~lent')
    const sh = shellIn(reading.dir)
    t.is(await sh('cat file; ls; stat -c %A file dir'), 'textdir\nfile\n-r--r--r--\ndr-xr-xr-x')
    for (const change of CHANGES) t.regex(await sh(change), /Permission denied/, change)
    await reading.end()
    t.is((await server.fetch(`${at}/shared/@ann~friends~rw`, { method: 'PUT' })).status, 200)
    const writing = await mountSpace(t, reader, '@ann~lent')
    t.is(await shellIn(writing.dir)('echo more >> file; mkdir new; rmdir dir; cat file'), 'textmore')
    // Taking the share back works on what is mounted.
    t.is((await server.fetch(`${at}/shared/@ann~friends~rw`, { method: 'DELETE' })).status, 200)
    t.regex(
      await shellIn(writing.dir)('echo x > after; sync after'),
      /Permission denied|No such file|Host is down/,
    )
    await writing.end()
    await agrees(t, server, 'lent')
  },
)

mountTest('--read-only: EROFS', async (t) => {
  const s = await small(t, { readOnly: true })
  await s.fetch('file', { method: 'POST', body: 'text' })
  await s.fetch('dir/', { method: 'PUT' })
  t.is(await s.sh('cat file'), 'text')
  for (const change of CHANGES) t.regex(await s.sh(change), /Read-only file system/, change)
  await s.end()
})

for (const kind of ['through', 'back'] as const) {
  mountTest(
    `${kind}: while the server is away what is cached is read on, the rest fails soon; on its return all is caught up`,
    async (t) => {
      const [dataDir, cacheDir] = [tempFolder(t), tempFolder(t)]
      const dir = join(tempFolder(t), 'mnt')
      mkdirSync(dir)
      let process = await startServerProcess(dataDir)
      t.teardown(() => process.end('SIGKILL'))
      const { token = '', url } = process
      const put = (path: string, body: string) =>
        fetch(`${url}/v1/code/spaces/files/content/${path}`, {
          method: 'POST',
          body,
          headers: { authorization: `Bearer ${token}` },
        })
      await put('dir/cached', 'cached')
      await put('dir/changed', 'old')
      await put('uncached/file', 'uncached')
      const mount = await SpaceMount.start(
        { space: 'files', server: { url, token } },
        { dir, cacheDir, kind },
      )
      t.teardown(() => mount.abandon())
      const sh = shellIn(dir)
      t.is(await sh('ls dir; cat dir/cached dir/changed'), 'cached\nchanged\ncachedold')
      await process.end('SIGKILL')
      const away = /Host is down|Input\/output error/
      t.regex(await sh('cat uncached/file'), away)
      t.regex(await sh('mkdir other'), away)
      t.regex(await sh('rm dir/cached'), away)
      t.is(await sh('ls dir; cat dir/cached dir/changed; df . > /dev/null'), 'cached\nchanged\ncachedold')
      if (kind === 'through') t.regex(await sh('echo x > dir/new'), away)
      else t.is(await sh('echo x > dir/new; cat dir/new'), 'x')
      process = await startServerProcess(dataDir, { PORT: new URL(url).port })
      await put('dir/changed', 'longer than before')
      await put('dir/come', 'come')
      await until(
        async () => (await sh('cat dir/changed dir/come')) === 'longer than beforecome',
        'it has caught up',
      )
      t.is(
        await sh('cat uncached/file; mkdir other; rm dir/cached; ls dir'),
        `uncachedchanged\ncome${kind === 'back' ? '\nnew' : ''}`,
      )
      await mount.end()
      t.deepEqual(
        [...(await contentsOf({ url, token, space: 'files' })).keys()],
        [
          'dir',
          'dir/changed',
          'dir/come',
          ...(kind === 'back' ? ['dir/new'] : []),
          'other',
          'uncached',
          'uncached/file',
        ],
      )
    },
  )
}

if (process.env.NOVEM_TEST_LONG === '1') {
  mountTest('a server that has stopped answering is given up in bounded time', async (t) => {
    t.timeout(300_000)
    const dir = join(tempFolder(t), 'mnt')
    mkdirSync(dir)
    const server = await startServerProcess(tempFolder(t))
    t.teardown(() => server.end('SIGKILL'))
    const { token = '', url } = server
    const mount = await SpaceMount.start(
      { space: 'files', server: { url, token } },
      { dir, cacheDir: tempFolder(t) },
    )
    t.teardown(() => mount.abandon())
    await must(t, 'sh', ['-c', 'echo x > file; ls'], { cwd: dir })
    process.kill(server.pid, 'SIGSTOP')
    t.regex(await shellIn(dir)('mkdir other', 120), /Host is down|Input\/output error|timed out/)
    process.kill(server.pid, 'SIGCONT')
    await until(async () => (await shellIn(dir)('mkdir -p again; ls -d again')) === 'again', 'it goes on')
    await mount.end()
  })
}
