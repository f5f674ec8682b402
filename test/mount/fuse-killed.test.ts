import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { mountAt } from '../../mount/fuse/mounts.js'
import { memoryMount, shell, until, within } from './support/mounted.js'

test.serial('kill -9 of the mount: a reader inside gets an error, and nobody hangs', async (t) => {
  const mount = await memoryMount(t)
  await writeFile(`${mount.path}/a`, 'text')
  await mount.tell('hold', 'open', '/a')
  const reader = spawn('cat', [`${mount.path}/a`])
  const over = new Promise<number | null>((resolve) => reader.on('exit', resolve))
  await until(async () => ((await mount.tell('waiting')) as number) > 0, 'the reader waits')
  mount.process.kill('SIGKILL')
  t.not(await within(over, 'the end of the reader'), 0)
  await within(mount.ended, 'the end of the mount')
})

test.serial(
  'kill -9 while a notification waits for a lock that a program holds: both still end',
  async (t) => {
    const mount = await memoryMount(t)
    await mount.tell('put', '/there', 'text')
    // Until the kernel knows it for good, and looking it up takes no lock.
    await until(async () => {
      await mount.tell('calls')
      await stat(`${mount.path}/there`)
      await sleep(50)
      return ((await mount.tell('calls')) as string[]).length === 0
    }, 'the kernel knows the file')
    // A program makes a file: the kernel keeps the folder locked until it has our answer, which never comes.
    await mount.tell('hold', 'create', '/new')
    const writer = spawn('sh', ['-c', `echo > ${mount.path}/new`])
    const over = new Promise<number | null>((resolve) => writer.on('exit', resolve))
    await until(async () => ((await mount.tell('waiting')) as number) > 0, 'the writer waits')
    await mount.tell('remove', '/there')
    const server = mount.process.pid ?? 0
    await until(() => sleepsUninterruptibly(server), 'the notification waits')
    mount.process.kill('SIGKILL')
    t.not(await within(over, 'the end of the writer'), 0)
    await within(mount.ended, 'the end of the mount')
  },
)

test.serial('a mount left by kill -9 is recovered at the next start', async (t) => {
  const first = await memoryMount(t)
  first.process.kill('SIGKILL')
  await first.ended
  t.truthy(await mountAt(first.path))
  const { said } = await shell('ls mnt', dirname(first.path))
  t.regex(said, /not connected/)
  const second = await memoryMount(t, {}, { at: first.path })
  t.regex(second.said(), /was still mounted by a process that is gone/)
  t.deepEqual(await shell('echo text > a; cat a', second.path), { code: 0, said: 'text' })
})

/** Does one of its threads wait for something that no signal ends? */
function sleepsUninterruptibly(server: number): boolean {
  return readdirSync(`/proc/${server}/task`).some((thread) => stateOf(`${server}/task/${thread}`) === 'D')
}

function stateOf(process: string): string | undefined {
  try {
    return /^State:\s+(\w)/m.exec(readFileSync(`/proc/${process}/status`, 'utf8'))?.[1]
  } catch {
    return undefined
  }
}

test.serial(
  'a mount in use: the first signal takes it out of the tree, the second ends it all the same',
  async (t) => {
    const mount = await memoryMount(t)
    await writeFile(`${mount.path}/a`, 'text')
    const user = spawn('sh', ['-c', 'exec 3< a; read line; cat <&3'], {
      cwd: mount.path,
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    let said = ''
    user.stdout.on('data', (text) => {
      said += text
    })
    user.stderr.on('data', (text) => {
      said += text
    })
    const over = once(user, 'close')
    await until(async () => (await mount.tell('open')) === 1, 'the file is open')
    mount.process.kill('SIGTERM')
    await until(async () => (await mountAt(mount.path)) === undefined, 'it is out of the tree')
    t.regex(
      mount.said(),
      /is in use\. It is taken away now, and ends when the programs that use it let go of it/,
    )
    t.is(await mount.tell('open'), 1)
    mount.process.kill('SIGTERM')
    t.is(await within(mount.ended, 'the end of the mount'), 0)
    user.stdin.end('\n')
    await within(over, 'the end of the program')
    t.regex(said, /abort|not connected/i)
  },
)

test.serial('a mount in use that is let go ends by itself', async (t) => {
  const mount = await memoryMount(t)
  const user = spawn('sleep', ['60'], { cwd: mount.path })
  t.teardown(() => user.kill())
  mount.process.kill('SIGTERM')
  await until(async () => (await mountAt(mount.path)) === undefined, 'it is out of the tree')
  user.kill()
  t.is(await within(mount.ended, 'the end of the mount'), 0)
})

test.serial('umount by somebody else ends the mount cleanly', async (t) => {
  const mount = await memoryMount(t)
  t.is((await shell(`umount ${mount.path}`, '/')).code, 0)
  t.is(await within(mount.ended, 'the end of the mount'), 0)
})
