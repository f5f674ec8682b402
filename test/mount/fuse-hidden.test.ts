/** Files that are unlinked or replaced while they are open: libfuse hides them, and nobody else learns of that. */
import { readFile, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { FileSystemError } from '../../mount/filesystem.js'
import { deferred } from '../../mount/fuse/deferred.js'
import { HiddenFiles } from '../../mount/fuse/hidden.js'
import { memoryMount, shell, until } from './support/mounted.js'

const ALIAS = /^\.fuse_hidden[0-9a-f]{16}$/

/** What was asked, without what every program asks all the time. */
const changes = (calls: readonly string[]) =>
  calls
    .filter((call) => /^(hide|dropHidden|unlink|rename|create|mkdir|rmdir) /.test(call))
    .map((call) => call.replace(/\.fuse_hidden[0-9a-f]{16}/g, 'ALIAS').replace(/^(create \S+).*/, '$1'))

test.serial('a file that is unlinked while open is read on, and let go with its last handle', async (t) => {
  const mount = await memoryMount(t)
  const { said } = await shell('echo text > a; exec 3< a; rm a; ls -A; cat <&3', mount.path)
  t.is(said, 'text')
  await until(async () => (await mount.tell('open')) === 0, 'the file is closed')
})

test.serial(
  'unlinked: hidden, dropped, and its alias unlinked when it is closed; in this order',
  async (t) => {
    const mount = await memoryMount(t)
    await shell('echo text > a; exec 3< a; rm a; echo new > a; cat <&3 > b; exec 3<&-', mount.path)
    const seen: string[] = []
    await until(async () => {
      seen.push(...changes((await mount.tell('calls')) as string[]))
      return seen.some((call) => call === 'unlink /ALIAS')
    }, 'the alias is unlinked')
    t.deepEqual(
      seen.filter((call) => !call.startsWith('create /b')),
      ['create /a', 'hide /a', 'dropHidden /a', 'create /a', 'unlink /ALIAS'],
    )
  },
)

test.serial('replaced by a rename while open: one rename, nothing is unlinked', async (t) => {
  const mount = await memoryMount(t)
  const { said } = await shell('echo old > a; echo new > b; exec 3< a; mv b a; cat a; cat <&3', mount.path)
  t.is(said, 'new\nold')
  const seen = changes((await mount.tell('calls')) as string[]).filter((call) => !/^create/.test(call))
  t.deepEqual(seen.slice(0, 2), ['hide /a', 'rename /b /a'])
  t.false(seen.includes('dropHidden /a'))
})

test.serial('a rename over an open file that fails leaves it where it is', async (t) => {
  const mount = await memoryMount(t)
  await mount.tell('fail', 'rename', 'EBUSY')
  const { said } = await shell(
    'echo old > a; echo new > b; exec 3< a; mv b a; exec 3<&-; ls; cat a',
    mount.path,
  )
  t.regex(said, /busy/i)
  t.regex(said, /a\nb\nold$/)
})

test.serial(
  'a folder is not empty while a file in it is open, be it deleted; afterwards it can go',
  async (t) => {
    const mount = await memoryMount(t)
    const script =
      'mkdir d; echo text > d/a; exec 3< d/a; rm -r d; ls -A d; cat <&3; exec 3<&-; rmdir d; ls -A'
    const { said } = await shell(script, mount.path)
    t.regex(said, /^rm: cannot remove 'd': Directory not empty\ntext$/)
  },
)

test.serial('nor can a folder take the place of one in which a deleted file is open', async (t) => {
  const { path } = await memoryMount(t)
  const { said } = await shell('mkdir d e; echo text > d/a; exec 3< d/a; rm d/a; mv -T e d; cat <&3', path)
  t.regex(said, /not empty\ntext$/i)
})

test.serial('a folder with a hidden file in it can be renamed, and the file goes on', async (t) => {
  const mount = await memoryMount(t)
  const script =
    'mkdir d; echo text > d/a; exec 3< d/a; rm d/a; mv d e; ls -A e; cat <&3; exec 3<&-; rmdir e; ls -A'
  t.deepEqual(await shell(script, mount.path), { code: 0, said: 'text' })
})

test.serial('no program makes, finds or lists a name that is kept for hidden files', async (t) => {
  const { path } = await memoryMount(t)
  const name = '.fuse_hidden0123456789abcdef'
  for (const command of [`echo > ${name}`, `mkdir ${name}`, `echo > a; mkdir -p d; mv a d/${name}`]) {
    t.not((await shell(command, path)).code, 0, command)
  }
  t.regex((await shell(`stat ${name}`, path)).said, /No such file/)
  t.is((await shell('echo text > b; exec 3< b; rm b; ls -A', path)).said, 'a\nd')
})

test.serial('a file that is replaced by renames is there all the time, open or not', async (t) => {
  const { path } = await memoryMount(t)
  await writeFile(`${path}/a`, 'text')
  const writer = shell('for i in $(seq 300); do echo text > b; mv b a; done', path)
  let over = false
  void writer.then(() => {
    over = true
  })
  const failures: string[] = []
  let reads = 0
  for (; !over; reads++) {
    await readFile(`${path}/a`).catch((error) => failures.push(error.code))
  }
  // Replaced again while the kernel looked again: ESTALE, once in thousands.
  t.deepEqual(
    failures.filter((code) => code !== 'ESTALE'),
    [],
  )
  t.true(failures.length <= 2 && reads > 50, `${failures.length} of ${reads}`)
  await writer
})

/** The decision itself, without a kernel. */
function hiding(patience: number) {
  const calls: string[] = []
  const gate = deferred()
  const fs = {
    hide: (path: string) => void calls.push(`hide ${path}`),
    dropHidden: async (path: string) => {
      calls.push(`drop ${path}`)
      await gate.promise
    },
  }
  const hidden = new HiddenFiles(
    fs,
    { failed: (path) => calls.push(`failed ${path}`), restored: (path) => calls.push(`restored ${path}`) },
    patience,
  )
  return { calls, hidden, finish: gate.resolve }
}

const A = '/d/.fuse_hidden000000020000000a'
const thread = {}
const other = {}
const LONG = 60_000

test.serial('a hiding in the same folder is one, anything else is a rename', (t) => {
  const { hidden } = hiding(LONG)
  t.true(hidden.isHiding('/d/a', A))
  t.false(hidden.isHiding('/a', A))
  t.false(hidden.isHiding('/d/a', '/d/.fuse_hidden'))
  t.regex(A.split('/').at(-1) ?? '', ALIAS)
})

test.serial('the same thread’s rename onto the path ends a hiding; look-ups wait for it', async (t) => {
  const { hidden, calls } = hiding(LONG)
  await hidden.hide(thread, '/d/a', A)
  const lookUp = hidden.settle(other, 'getattr', '/d/a')?.then(() => calls.push('looked up'))
  t.is(hidden.settle(thread, 'rename', '/b', '/d/a'), undefined)
  await hidden.replace('/d/a', async () => {
    calls.push('rename')
  })
  await lookUp
  t.deepEqual(calls, ['hide /d/a', 'rename', 'looked up'])
})

test.serial('a replacement that fails restores the path', async (t) => {
  const { hidden, calls } = hiding(LONG)
  await hidden.hide(thread, '/d/a', A)
  await t.throwsAsync(hidden.replace('/d/a', () => Promise.reject(new FileSystemError('EBUSY', 'no'))))
  t.deepEqual(calls, ['hide /d/a', 'restored /d/a'])
  t.is(hidden.settle(thread, 'getattr', '/d/a'), undefined)
})

test.serial('an alias that is not one, or no longer, stands for nothing', async (t) => {
  const { hidden, finish } = hiding(LONG)
  const errno = () => t.throws<FileSystemError>(() => hidden.check(A))?.errno
  t.is(errno(), 'ENOENT')
  t.notThrows(() => hidden.check('/d/a'))
  await hidden.hide(thread, '/d/a', A)
  t.notThrows(() => hidden.check(A))
  hidden.forget(A)
  t.is(errno(), 'ESTALE')
  finish()
  await hidden.close()
})

test.serial('what the same thread does else, or another to the folder, shows an unlink', async (t) => {
  const requests: [object, string, string, string?][] = [
    [thread, 'getattr', '/x'],
    [thread, 'rename', '/b', '/c'],
    [other, 'create', '/d/a'],
    [other, 'rename', '/b', '/d/a'],
    [other, 'readdir', '/d'],
    [other, 'rmdir', '/d'],
    [other, 'rename', '/d', '/e'],
  ]
  for (const request of requests) {
    const { hidden, calls, finish } = hiding(LONG)
    await hidden.hide(thread, '/d/a', A)
    const settled = hidden.settle(...request)
    t.deepEqual(calls, ['hide /d/a', 'drop /d/a'], request.slice(1).join(' '))
    finish()
    await settled
    t.is(hidden.settle(...request), undefined)
  }
})

test.serial('what has nothing to do with it does not wait', async (t) => {
  const { hidden, calls } = hiding(LONG)
  await hidden.hide(thread, '/d/a', A)
  for (const [operation, path] of [
    ['readdir', '/'],
    ['getattr', '/d'],
    ['create', '/d/b'],
    ['rmdir', '/dd'],
  ]) {
    t.is(hidden.settle(other, operation as string, path as string), undefined)
  }
  t.deepEqual(calls, ['hide /d/a'])
  const { hidden: closed, finish } = hiding(LONG)
  finish()
  await closed.close()
})

test.serial('what is done with the hidden file itself waits, and shows nothing', async (t) => {
  const { hidden, calls, finish } = hiding(20)
  await hidden.hide(thread, '/d/a', A)
  finish()
  await hidden.settle(other, 'flush', A)
  t.deepEqual(calls, ['hide /d/a', 'drop /d/a'])
})

test.serial('after a while it was an unlink; one that fails is told', async (t) => {
  const calls: string[] = []
  const fs = {
    hide: () => {},
    dropHidden: () => Promise.reject(new FileSystemError('EIO', 'The server is away.')),
  }
  const hidden = new HiddenFiles(
    fs,
    { failed: (path, error) => calls.push(`${path}: ${String(error)}`), restored: t.fail },
    1,
  )
  await hidden.hide(thread, '/d/a', A)
  await until(() => calls.length > 0, 'the failure is told')
  t.deepEqual(calls, ['/d/a: FileSystemError: The server is away.'])
  await sleep(1)
  t.is(hidden.settle(other, 'create', '/d/a'), undefined)
})
