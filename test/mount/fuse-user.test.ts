/** Mounting by who is not root. */
import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import anyTest from 'ava'
import { tempFolder } from '../support/folder.js'
import { runProgram } from '../support/programs.js'
import { memoryMount } from './support/mounted.js'

const NOBODY = 65534
const BECOME = ['--reuid', `${NOBODY}`, '--regid', `${NOBODY}`, '--clear-groups']

/** Only root can become somebody else, who must then be able to read this program. */
const canBecome =
  process.getuid?.() === 0 &&
  spawnSync('setpriv', [...BECOME, 'test', '-r', process.argv[1] ?? '']).status === 0
const test = canBecome ? anyTest.serial : anyTest.serial.skip

/** A folder of theirs to mount at, and one with nothing but these programs. */
function place(t: Parameters<typeof tempFolder>[0], programs: readonly string[]) {
  const folder = tempFolder(t)
  chmodSync(folder, 0o755)
  const at = join(folder, 'mnt')
  const bin = join(folder, 'bin')
  mkdirSync(at)
  mkdirSync(bin)
  chownSync(at, NOBODY, NOBODY)
  for (const program of programs) symlinkSync(`/usr/bin/${program}`, join(bin, program))
  return { at, spawning: { uid: NOBODY, gid: NOBODY, env: { PATH: bin, HOME: '/tmp' } } }
}

test('a user mounts by fusermount3, also where there is no fusermount; others, even root, are kept out', async (t) => {
  const { at, spawning } = place(t, ['fusermount3'])
  const mount = await memoryMount(t, {}, { at, spawning })
  const script = `cd ${at}; echo text > a; touch -m -d 2001-01-01 a; stat -c "%u %a %y" a`
  const asNobody = [...BECOME, 'timeout', '20', 'sh', '-c', script]
  const { said } = await runProgram('setpriv', asNobody, { cwd: '/tmp', env: { TZ: 'UTC' } })
  t.is(said, `${NOBODY} 644 2001-01-01 00:00:00.000000000 +0000\n`)
  t.regex((await runProgram('timeout', ['20', 'ls', at])).said, /permission denied/i)
  mount.process.kill('SIGTERM')
  t.is(await mount.ended, 0)
})

test('what is missing is said', async (t) => {
  const none = place(t, [])
  await t.throwsAsync(memoryMount(t, {}, none), {
    message: /fusermount3 is not installed, and mounting by who is not root needs it/,
  })
  if (/^user_allow_other/m.test(readFileSync('/etc/fuse.conf', 'utf8'))) return
  const other = place(t, ['fusermount3'])
  await t.throwsAsync(memoryMount(t, { allowOther: true }, other), {
    message: /--allow-other needs a line "user_allow_other" in \/etc\/fuse\.conf/,
  })
})
