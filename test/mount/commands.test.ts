/** The commands: mount, unmount, status, serve --mount, and the helper of mount(8). */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import anyTest, { type ExecutionContext, type TestFn } from 'ava'
import {
  cleanEnvironment,
  type Finished,
  MAIN,
  runCli,
  type ServerProcess,
  startServerProcess,
} from '../support/cli.js'
import { tempFolder } from '../support/folder.js'
import { isMounted, lacking, willBeMounted } from '../support/mounts.js'
import { shell, until, within } from './support/mounted.js'

const test = (lacking({ root: true }).length > 0 ? anyTest.serial.skip : anyTest.serial) as TestFn<Context>
const HELPER = join(MAIN, '../mount-helper.js')

interface Context {
  readonly server: ServerProcess
  readonly dataDir: string
}

anyTest.serial.before('a server', async (t) => {
  const dataDir = mkdtempSync('/tmp/novem-test-')
  const server = await startServerProcess(dataDir)
  t.context = { server, dataDir }
})

anyTest.serial.after.always('its end', async (t) => {
  const { server, dataDir } = t.context as Context
  await server?.end('SIGTERM')
  rmSync(dataDir, { recursive: true, force: true })
})

/** Somebody's machine: settings, caches and notes of its own, and the server's token. */
function machine(t: ExecutionContext<Context>) {
  const home = tempFolder(t)
  const { url, token = '' } = t.context.server
  const env = {
    HOME: home,
    XDG_CONFIG_HOME: '',
    XDG_CACHE_HOME: '',
    XDG_STATE_HOME: '',
    NOVEM_SERVER: url,
    NOVEM_TOKEN: token,
  }
  const folder = (name: string) => {
    const path = join(home, name)
    mkdirSync(path)
    willBeMounted(t, path)
    return path
  }
  return {
    home,
    env,
    folder,
    run: (...args: string[]): Promise<Finished> => within(runCli(args, env), args.join(' ')),
    start: (...args: string[]) => start(t, args, env),
  }
}

/** A command that goes on until it is told to stop. */
async function start(t: ExecutionContext, args: readonly string[], env: Readonly<Record<string, string>>) {
  const child: ChildProcess = spawn(process.execPath, [MAIN, ...args], {
    env: cleanEnvironment(env),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  let stderr = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const ended = once(child, 'exit').then(([code]) => code as number | null)
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]()
  const { value: ready } = await within(lines.next(), args.join(' '))
  return {
    ready: ready as string,
    stderr: () => stderr,
    pid: child.pid as number,
    end: async (signal: NodeJS.Signals) => {
      child.kill(signal)
      return within(ended, 'the end of the command')
    },
  }
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`mount says when it is ready; ${signal} sends what was written and unmounts`, async (t) => {
    const { folder, start, run } = machine(t)
    const dir = folder('mnt')
    const mount = await start('mount', 'files', dir, '--write', 'back')
    t.regex(
      mount.ready,
      new RegExp(`^Mounted files at ${dir} \\(writes back, http://127.0.0.1:\\d+, cache in `),
    )
    t.is((await shell(`echo ${signal} > ${signal}; cat ${signal}`, dir)).said, signal)
    t.is(await mount.end(signal), 0)
    t.false(isMounted(dir))
    t.is((await run('status')).stdout, 'You have mounted no space.\n')
    const { url, token } = t.context.server
    const response = await fetch(`${url}/v1/code/spaces/files/content/${signal}`, {
      headers: { Authorization: `Bearer ${token}` },
    })
    t.is(await response.text(), `${signal}\n`)
  })
}

test('mount --detach returns when it is ready, status shows it, unmount ends it', async (t) => {
  const { folder, run } = machine(t)
  const dir = folder('mnt')
  const mounted = await run('mount', 'files', dir, '--detach')
  t.is(mounted.code, 0, mounted.stderr)
  t.regex(mounted.stdout, /^Mounted files at .*mnt \(writes through, .*\); its log is .*mount\.log\n$/)
  t.is((await shell('mkdir -p d; echo text > d/a; cat d/a', dir)).said, 'text')
  const [status] = JSON.parse((await run('status', '--json', dir)).stdout)
  const { mount_point, space, running, server_reachable, write, read_only, unsent, cache_limit } = status
  t.deepEqual(
    { mount_point, space, running, server_reachable, write, read_only, unsent, cache_limit },
    {
      ...{ mount_point: dir, space: 'files', running: true, server_reachable: true, write: 'through' },
      ...{ read_only: false, unsent: [], cache_limit: 5 * 2 ** 30 },
    },
  )
  t.regex((await run('status')).stdout, /everything has been sent/)
  t.deepEqual(await run('unmount', dir), { code: 0, stdout: '', stderr: '' })
  t.false(isMounted(dir))
  t.is((await run('unmount', dir)).stderr, `novem-spaces: Nothing is mounted at ${dir}.\n`)
  t.is((await run('status', dir)).code, 1)
})

test('what was replaced or removed takes no room in the cache', async (t) => {
  const { folder, run } = machine(t)
  const dir = folder('mnt')
  t.is((await run('mount', 'files', dir, '--detach')).code, 0)
  const cached = async () => JSON.parse((await run('status', '--json', dir)).stdout)[0].cache_bytes
  const write = (name: string) => shell(`head -c 300000 /dev/urandom > ${name}`, dir)
  await write('kept-a')
  await write('kept-b')
  t.is(await cached(), 600_000)
  await write('kept-a')
  t.is(await cached(), 600_000, 'replaced by a write')
  await shell('mv kept-a kept-b', dir)
  t.is(await cached(), 300_000, 'replaced by a rename')
  await shell('exec 3< kept-b; rm kept-b; cat <&3 | wc -c', dir)
  await until(async () => (await cached()) === 0, 'removed while it was open')
  await run('unmount', dir)
})

test('why it cannot be mounted is said, in front and in the background alike', async (t) => {
  const { folder, run, home, env } = machine(t)
  const dir = folder('mnt')
  const cases: [RegExp, string[], Record<string, string>?][] = [
    [/There is no space|not found|No space/i, ['none', dir]],
    [/none does not exist; make the folder first/, ['files', join(home, 'none')]],
    [/token/i, ['files', dir], { NOVEM_TOKEN: 'nbt-wrong' }],
    [/ECONNREFUSED/, ['files', dir], { NOVEM_SERVER: 'http://127.0.0.1:1' }],
  ]
  for (const [reason, args, settings] of cases) {
    for (const more of [[], ['--detach']]) {
      const { code, stdout, stderr } = await runCli(['mount', ...args, ...more], { ...env, ...settings })
      t.is(code, 1, stderr)
      t.is(stdout, '')
      t.regex(stderr, reason)
    }
  }
  t.false(isMounted(dir))
  t.is((await run('mount', 'files', dir, '--cache-size', 'much')).code, 2)
  t.is((await run('mount', 'files', dir, '--umask', '9')).code, 2)
})

test('two mounts of a space on one machine have caches of their own, and see each other', async (t) => {
  const { folder, start } = machine(t)
  const [one, two] = [folder('one'), folder('two')]
  const first = await start('mount', 'files', one)
  const second = await start('mount', 'files', two)
  t.regex(first.ready, /\/0\)$/)
  t.regex(second.ready, /\/1\)$/)
  t.is((await shell('echo text > both', one)).code, 0)
  await until(async () => (await shell('cat both', two)).said === 'text', 'the other mount shows it')
  t.is(await first.end('SIGTERM'), 0)
  t.is(await second.end('SIGTERM'), 0)
})

test('a mount in use is not taken away but by force, and goes when it is let go', async (t) => {
  const { folder, run } = machine(t)
  const dir = folder('mnt')
  await run('mount', 'files', dir, '--detach')
  const user = spawn('sleep', ['60'], { cwd: dir })
  t.teardown(() => user.kill())
  const refused = await run('unmount', dir)
  t.is(refused.code, 1)
  t.regex(refused.stderr, /is in use by a program; end that, or say --force/)
  t.true(isMounted(dir))
  const forced = run('unmount', dir, '--force')
  await until(() => !isMounted(dir), 'it is taken away')
  user.kill()
  t.is((await forced).code, 0)
})

test('what a killed mount has not sent is shown by status, and sent by the next', async (t) => {
  const { folder, run, start } = machine(t)
  const dir = folder('mnt')
  const mount = await start('mount', 'files', dir, '--write', 'back')
  t.is((await shell('echo before > left', dir)).code, 0)
  process.kill(mount.pid, 'SIGKILL')
  await until(async () => (await run('status', dir)).stdout.includes('not running'), 'status shows it')
  const again = await run('mount', 'files', dir, '--detach')
  t.is(again.code, 0, again.stderr)
  t.is((await shell('cat left', dir)).said, 'before')
  await run('unmount', dir)
})

test('server and token may come from a file, which nobody else may read', async (t) => {
  const { folder, home, env } = machine(t)
  const dir = folder('mnt')
  const { url, token } = t.context.server
  const file = join(home, '.config', 'novem-spaces.json')
  mkdirSync(join(home, '.config'))
  const { NOVEM_SERVER: _server, NOVEM_TOKEN: _token, ...rest } = env
  const run = (...args: string[]) => runCli(args, rest)
  t.regex(
    (await run('mount', 'files', dir, '--detach')).stderr,
    /a token of your account is needed: .*novem-spaces\.json/,
  )
  writeFileSync(file, JSON.stringify({ server: url, token }), { mode: 0o644 })
  t.regex(
    (await run('mount', 'files', dir, '--detach')).stderr,
    /every user of this machine may read it; run: chmod 600/,
  )
  chmodSync(file, 0o600)
  const mounted = await run('mount', 'files', dir, '--detach', '--read-only')
  t.regex(mounted.stdout, /read only/, mounted.stderr)
  t.regex((await shell('echo > a', dir)).said, /read-only/i)
  t.is((await run('unmount', dir)).code, 0)
  writeFileSync(file, 'token')
  t.regex((await run('mount', 'files', dir)).stderr, /must hold a JSON object/)
})

test('mount.novem-spaces mounts a line of fstab', async (t) => {
  const { folder, home, run, env } = machine(t)
  const dir = folder('mnt')
  const secret = join(home, 'token')
  writeFileSync(secret, `${t.context.server.token}\n`, { mode: 0o600 })
  const helper = async (...args: string[]) => {
    const child = spawn(process.execPath, [HELPER, ...args], {
      env: cleanEnvironment({ ...env, NOVEM_TOKEN: '' }),
    })
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    const [code] = await within(once(child, 'close'), 'the helper')
    return { code: code as number, stderr }
  }
  const source = `files@${t.context.server.url}`
  const options = `rw,_netdev,nofail,x-systemd.automount,token_file=${secret},write=back,umask=077,uid=12`
  t.deepEqual(await helper(source, dir, '-o', options), { code: 0, stderr: '' })
  t.is((await shell('echo > a; stat -c "%u %a" a', dir)).said, '12 600')
  t.is((await run('unmount', dir)).code, 0)
  t.is((await helper(source, dir, '-f', '-o', options)).code, 0)
  t.false(isMounted(dir))
  t.deepEqual(await helper(source, dir, '-o', 'strange'), {
    code: 1,
    stderr: 'mount.novem-spaces: There is no option "strange".\n',
  })
  t.is((await helper('files', dir)).code, 1)
  t.is((await helper(source, join(home, 'none'), '-o', `token_file=${secret}`)).code, 32)
})

test('serve --mount mounts the server’s own spaces, and takes them away when it stops', async (t) => {
  const { folder, home, env } = machine(t)
  const dir = folder('mnt')
  const settings = { ...env, PORT: '0', DATA_DIR: join(home, 'data'), DURABILITY: 'os' }
  const server = await start(t, ['serve', '--mount', `files:${dir}`], settings)
  t.is((await shell('echo text > a; cat A', dir)).said, 'text')
  t.is(await server.end('SIGTERM'), 0)
  t.false(isMounted(dir))
  const failing = await runCli(['serve', '--mount', `none:${dir}`], settings)
  t.is(failing.code, 1)
  t.regex(failing.stderr, /There is no space "none"/)
  t.is((await runCli(['serve', '--mount', 'files'], settings)).code, 2)
})
