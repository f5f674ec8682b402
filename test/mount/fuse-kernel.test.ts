/** What the kernel and the server of its protocol make of each other. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { open, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { abortConnection } from '../../mount/fuse/abort.js'
import { mountAt } from '../../mount/fuse/mounts.js'
import { unmountAt } from '../../mount/fuse/unmount.js'
import { tempFolder } from '../support/folder.js'
import { memoryMount, shell, until, within } from './support/mounted.js'

const MOST = 256 * 1024

test.serial(
  'what a program writes at once comes in few pieces, and one that takes its time keeps its bytes',
  async (t) => {
    const mount = await memoryMount(t)
    const file = await open(`${mount.path}/a`, 'w')
    await file.write(Buffer.alloc(2 * MOST, 'a'))
    t.deepEqual(
      (await mount.calls()).filter((call) => call.startsWith('write')),
      [`write 0 ${MOST}`, `write ${MOST} ${MOST}`],
    )
    await mount.tell('hold', 'write', '1')
    const slow = file.write(Buffer.alloc(MOST, 'b'), 0, MOST, 0)
    await until(async () => ((await mount.tell('waiting')) as number) > 0, 'the write waits')
    for (let i = 0; i < 20; i++) await writeFile(`${mount.path}/other`, Buffer.alloc(MOST, `${i % 10}`))
    await mount.tell('free')
    t.is((await slow).bytesWritten, MOST)
    await file.close()
    t.true(
      (await readFile(`${mount.path}/a`)).equals(
        Buffer.concat([Buffer.alloc(MOST, 'b'), Buffer.alloc(MOST, 'a')]),
      ),
    )
  },
)

test.serial('many programs read at once, each its own bytes', async (t) => {
  const { path } = await memoryMount(t, { cacheSeconds: 0 })
  const contents = Array.from({ length: 12 }, (_, i) => Buffer.alloc(700_000 + i, `${i}-`))
  for (const [i, bytes] of contents.entries()) await writeFile(`${path}/f${i}`, bytes)
  for (let round = 0; round < 3; round++) {
    const read = await Promise.all(contents.map((_, i) => readFile(`${path}/f${i}`)))
    for (const [i, bytes] of contents.entries()) t.true(read[i]?.equals(bytes), `f${i}`)
  }
})

test.serial('who lists a folder knows what is in it', async (t) => {
  const mount = await memoryMount(t)
  for (let i = 0; i < 300; i++) await mount.tell('seed', `/f${i}`, 'text'.repeat(i))
  const { said } = await shell('ls -l | wc -l', mount.path)
  t.is(said, '301')
  await mount.tell('calls')
  for (let i = 0; i < 300; i++) t.is((await stat(`${mount.path}/f${i}`)).size, 4 * i)
  t.deepEqual(await mount.tell('calls'), [])
  t.is((await readdir(mount.path)).length, 300)
})

test.serial('an entry whose attributes cannot be told while listing is listed all the same', async (t) => {
  const mount = await memoryMount(t)
  for (const name of ['a', 'b', 'c']) await mount.tell('seed', `/${name}`, 'text')
  await mount.tell('late', 'getattr', '/a')
  t.deepEqual((await readdir(mount.path)).sort(), ['a', 'b', 'c'])
  await mount.tell('free')
  t.is((await stat(`${mount.path}/a`)).size, 4)
})

test.serial('the flags of renameat2: not to replace arrives, to exchange is refused', async (t) => {
  const { path, tell } = await memoryMount(t)
  const { said } = await shell('echo one > a; echo two > b; mv -n a b; cat b; mv -n a c; cat c', path)
  t.is(said, 'two\none')
  if (process.arch !== 'x64') return
  await tell('calls')
  const call = (to: string, flags: number) =>
    shell(
      `perl -e '($b, $c) = ("b", "${to}"); syscall(316, -100, $b, -100, $c, ${flags}) == 0 or print $!'`,
      path,
    )
  t.is((await call('none', 4)).said, 'Invalid argument', 'a flag of other file systems')
  t.is((await call('c', 2)).said, 'Invalid argument')
  t.is((await call('none', 1)).said, '')
  const calls = (await tell('calls')) as string[]
  t.deepEqual(
    calls.filter((made) => made.startsWith('rename')),
    ['rename /b /none unlessThere'],
  )
})

test.serial('names that are no UTF-8 cannot be made, and are not there', async (t) => {
  const { path } = await memoryMount(t)
  const name = String.raw`$(printf 'a\377')`
  for (const command of [`echo > "${name}"`, `mkdir "${name}"`, `echo > b; mv b "${name}"`]) {
    t.regex((await shell(command, path)).said, /invalid argument|cannot create|cannot move/i, command)
  }
  t.regex((await shell(`stat "${name}"`, path)).said, /no such file/i)
  t.deepEqual(await readdir(path), ['b'])
})

test.serial('mode, size and times are set together, and told as they are', async (t) => {
  const { path } = await memoryMount(t)
  await writeFile(`${path}/a`, 'text')
  const file = await open(`${path}/a`, 'r+')
  await file.truncate(2)
  await file.chmod(0o755)
  await file.utimes(1, 5.5)
  const { size, mode, mtimeMs } = await file.stat()
  t.deepEqual([size, mode & 0o777, mtimeMs], [2, 0o755, 5500])
  t.is((await shell('touch -d @-5.5 a; stat -c %.3Y a', path)).said, '-5.500')
  await file.close()
  await t.throwsAsync(
    open(`${path}/a`, 'r').then((other) => other.chown(1, 1)),
    { code: 'EPERM' },
  )
})

test.serial('a file that is cut when it is opened is asked to be so once', async (t) => {
  const mount = await memoryMount(t)
  await writeFile(`${mount.path}/a`, 'text')
  await mount.calls()
  await (await open(`${mount.path}/a`, 'w')).close()
  const calls = await mount.calls()
  t.false(calls.some((call) => call.startsWith('truncate')))
  t.is((await stat(`${mount.path}/a`)).size, 0)
})

test.serial('a program that is killed while it opens a file leaves none open', async (t) => {
  const mount = await memoryMount(t)
  await writeFile(`${mount.path}/a`, 'text')
  await mount.tell('hold', 'open', '/a')
  const reader = spawn('cat', [`${mount.path}/a`])
  await until(async () => ((await mount.tell('waiting')) as number) > 0, 'it waits')
  reader.kill('SIGKILL')
  await mount.tell('free')
  await within(once(reader, 'exit'), 'its end')
  await until(async () => (await mount.tell('open')) === 0, 'the file is closed')
  t.pass()
})

test.serial('unmounted by force while requests wait: who asked gets an error', async (t) => {
  const mount = await memoryMount(t)
  await mount.tell('hold', 'mkdir', '/d')
  const maker = spawn('mkdir', [`${mount.path}/d`])
  const over = once(maker, 'exit')
  await until(async () => ((await mount.tell('waiting')) as number) > 0, 'it waits')
  mount.process.kill('SIGTERM')
  await until(() => /is in use/.test(mount.said()), 'it is in use')
  mount.process.kill('SIGTERM')
  t.is(await within(mount.ended, 'the end of the mount'), 0)
  const [code] = await within(over, 'the end of the program')
  t.is(code, 1)
})

test.serial('mounts that one process makes at the same time are each its own', async (t) => {
  const folders = [1, 2, 3].map(() => tempFolder(t))
  const program = fileURLToPath(new URL('./support/many-mounts.js', import.meta.url))
  const child = spawn(process.execPath, [program, ...folders], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  t.teardown(async () => {
    child.kill('SIGKILL')
    for (const folder of folders) {
      const there = await mountAt(folder)
      if (there) await abortConnection(there.connection, folder)
      if (await mountAt(folder)) await unmountAt(folder, { lazy: true })
    }
  })
  await within(once(child.stdout, 'data'), 'the mounts', 15_000)
  for (const folder of folders) {
    const { said } = await shell('timeout -s KILL 10 cat which', folder)
    t.is(said, folder)
  }
  child.stdin.end()
  t.is((await within(ended, 'the end of the mounts'))[0], 0)
  for (const folder of folders) t.is(await mountAt(folder), undefined)
})
