/** Files that are unlinked or replaced while they are open go on for who has them open, and for nobody else. */
import { readFile, writeFile } from 'node:fs/promises'
import { constants } from 'node:os'
import test from 'ava'
import { memoryMount, shell, until } from './support/mounted.js'

/** What was asked, without what every program asks all the time. */
const changes = (calls: readonly string[]) =>
  calls
    .filter((call) => /^(hide|dropHidden|unlink|rename|create|mkdir|rmdir) /.test(call))
    .map((call) => call.replace(/^(create \S+).*/, '$1'))

test.serial('a file that is unlinked while open is read on, and let go with its last handle', async (t) => {
  const mount = await memoryMount(t)
  const { said } = await shell('echo text > a; exec 3< a; rm a; ls -A; cat <&3', mount.path)
  t.is(said, 'text')
  await until(async () => (await mount.tell('open')) === 0, 'the file is closed')
})

test.serial('it is unlinked once, and nothing else is asked', async (t) => {
  const mount = await memoryMount(t)
  await shell('echo text > a; exec 3< a; rm a; echo new > a; cat <&3 > b; exec 3<&-', mount.path)
  const seen = changes((await mount.tell('calls')) as string[])
  t.deepEqual(
    seen.filter((call) => !call.startsWith('create /b')),
    ['create /a', 'unlink /a', 'create /a'],
  )
})

test.serial('replaced by a rename while open: one rename, nothing is unlinked', async (t) => {
  const mount = await memoryMount(t)
  const { said } = await shell('echo old > a; echo new > b; exec 3< a; mv b a; cat a; cat <&3', mount.path)
  t.is(said, 'new\nold')
  const seen = changes((await mount.tell('calls')) as string[]).filter((call) => !/^create/.test(call))
  t.deepEqual(seen, ['rename /b /a'])
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

test.serial('a folder whose last file was deleted while open can go, and the file goes on', async (t) => {
  const { path } = await memoryMount(t)
  const script = 'mkdir d; echo text > d/a; exec 3< d/a; rm -r d; ls -A; cat <&3; stat -L -c %h,%s /dev/fd/3'
  t.deepEqual(await shell(script, path), { code: 0, said: 'text\n0,5' })
})

test.serial('a folder takes the place of one in which a deleted file is open', async (t) => {
  const { path } = await memoryMount(t)
  const { said } = await shell(
    'mkdir d e; echo text > d/a; exec 3< d/a; rm d/a; mv -T e d; ls; cat <&3',
    path,
  )
  t.is(said, 'd\ntext')
})

test.serial(
  'a file that has no name any more is cut, touched, made executable and opened anew by its handle',
  async (t) => {
    const mount = await memoryMount(t)
    const script = `exec 3<> a; echo text >&3; rm a; echo other > a; truncate -s 2 /dev/fd/3; chmod +x /dev/fd/3
    touch -d 2001-02-03 /dev/fd/3; stat -L -c '%s %a %.4y' /dev/fd/3; cat /dev/fd/3; echo; cat a; exec 3<&-`
    t.is((await shell(script, mount.path)).said, '2 755 2001\nte\nother')
    await until(async () => (await mount.tell('open')) === 0, 'all is closed')
  },
)

test.serial('a folder with a deleted file that is open can be renamed, and the file goes on', async (t) => {
  const mount = await memoryMount(t)
  const script =
    'mkdir d; echo text > d/a; exec 3< d/a; rm d/a; mv d e; ls -A e; cat <&3; exec 3<&-; rmdir e; ls -A'
  t.deepEqual(await shell(script, mount.path), { code: 0, said: 'text' })
})

test.serial('a file that is replaced by renames is there all the time, open or not', async (t) => {
  const { path } = await memoryMount(t)
  await writeFile(`${path}/a`, 'text')
  const writer = shell('for i in $(seq 300); do echo text > b; mv b a; done', path)
  let over = false
  void writer.then(() => {
    over = true
  })
  const failures: number[] = []
  let reads = 0
  for (; !over; reads++) {
    await readFile(`${path}/a`).catch(({ errno }) => failures.push(errno))
  }
  // Replaced again while the kernel looked again: ESTALE, once in thousands.
  t.deepEqual(
    failures.filter((errno) => errno !== -constants.errno.ESTALE),
    [],
  )
  t.true(failures.length <= 2 && reads > 50, `${failures.length} of ${reads}`)
  await writer
})
