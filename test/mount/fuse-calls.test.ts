/** What reaches the file system of what programs do: flags, times, handles, listings, errors. */
import { constants } from 'node:fs'
import { appendFile, open, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises'
import test from 'ava'
import { memoryMount, shell, until, within } from './support/mounted.js'

test.serial('bytes, names, types and sizes come and go, also beyond 4 GiB', async (t) => {
  const { path } = await memoryMount(t)
  const ran = await shell(
    'mkdir d; echo text > d/a; cat d/a; cp d/a b; ls -F; truncate -s 1M b; stat -c %s b',
    path,
  )
  t.deepEqual(ran, { code: 0, said: 'text\nb\nd/\n1048576' })
  const types = (await readdir(path, { withFileTypes: true })).map((entry) => [
    entry.name,
    entry.isDirectory(),
  ])
  t.deepEqual(types.sort(), [
    ['b', false],
    ['d', true],
  ])
})

test.serial('a size over 4 GiB and offsets there arrive whole', async (t) => {
  const mount = await memoryMount(t)
  await writeFile(`${mount.path}/a`, '')
  await mount.tell('size', '/a', `${5 * 2 ** 30 + 7}`)
  await until(async () => (await stat(`${mount.path}/a`)).size === 5 * 2 ** 30 + 7, 'the size shows')
  const file = await open(`${mount.path}/a`)
  const { bytesRead } = await file.read(Buffer.alloc(10), 0, 10, 5 * 2 ** 30)
  await file.close()
  t.is(bytesRead, 7)
  t.true((await mount.calls()).includes(`read ${5 * 2 ** 30}`))
})

test.serial('the flags of open and of create arrive, O_EXCL and O_TRUNC among them', async (t) => {
  const mount = await memoryMount(t)
  const { O_RDWR, O_WRONLY, O_APPEND, O_CREAT, O_EXCL, O_TRUNC } = constants
  const flagsOf = async (path: string, flags: number) => {
    await (await open(`${mount.path}${path}`, flags)).close()
    const call = (await mount.calls()).find((text) => /^(open|create) /.test(text)) ?? ''
    const [method, , seen = ''] = call.replace(/^create (\S+) \S+/, 'create $1').split(' ')
    return [method, Number.parseInt(seen, 8) & (O_RDWR | O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_TRUNC)]
  }
  t.deepEqual(await flagsOf('/new', O_RDWR | O_CREAT | O_EXCL), ['create', O_RDWR | O_CREAT | O_EXCL])
  t.deepEqual(await flagsOf('/other', O_WRONLY | O_CREAT | O_APPEND), [
    'create',
    O_WRONLY | O_CREAT | O_APPEND,
  ])
  t.deepEqual(await flagsOf('/new', O_WRONLY | O_TRUNC), ['open', O_WRONLY | O_TRUNC])
  t.deepEqual(await flagsOf('/new', O_RDWR | O_APPEND), ['open', O_RDWR | O_APPEND])
})

test.serial('times arrive as they were given, and the one that was to stay stays', async (t) => {
  const { path } = await memoryMount(t)
  const year = async (command: string) => {
    t.is((await shell(command, path)).code, 0, command)
    return (await stat(`${path}/a`)).mtime.getUTCFullYear()
  }
  const now = new Date().getUTCFullYear()
  t.is(await year('echo > a; touch -d 2001-02-03 a'), 2001)
  t.is(await year('touch -m -d 2002-02-03 a'), 2002)
  t.is(await year('touch -a a'), 2002)
  t.is(await year('touch -a -d 2005-01-01 a'), 2002)
  t.is(await year('touch -m a'), now)
  t.is(await year('touch -d 2003-02-03 a; touch a'), now)
  t.is(await year('touch -d 2004-02-03 b; cp -p b a'), 2004)
  t.is(await year('touch -d 1999-02-03 a; tar cf t.tar a; rm a; tar xf t.tar'), 1999)
  await utimes(`${path}/a`, 1.5, 1234567890.25)
  t.is((await stat(`${path}/a`)).mtimeMs, 1234567890250)
})

test.serial('fstat of an open file is asked of its handle', async (t) => {
  const mount = await memoryMount(t, { cacheSeconds: 0 })
  const file = await open(`${mount.path}/a`, 'w')
  await file.write('text')
  await shell('rm a', mount.path)
  t.is((await file.stat()).size, 4)
  await file.close()
})

test.serial(
  'what cannot be kept fails with EPERM, extended attributes with EOPNOTSUPP, an unchanged owner is let be',
  async (t) => {
    const { path } = await memoryMount(t)
    await writeFile(`${path}/a`, '')
    for (const command of [
      'ln -s a l',
      'ln a h',
      'mkfifo p',
      'mknod n c 1 3',
      'chown 4242 a',
      'chgrp 4242 a',
    ]) {
      const { code, said } = await shell(command, path)
      t.is(code, 1, command)
      t.regex(said, /not permitted/, command)
    }
    const uid = process.getuid?.()
    t.deepEqual(
      await shell(`chown ${uid} a && chgrp ${process.getgid?.()} a && chmod 755 a && stat -c %a a`, path),
      {
        code: 0,
        said: '755',
      },
    )
    t.regex((await shell('setfattr -n user.x -v y a', path)).said, /not supported|not found/)
  },
)

test.serial('owner, group and permissions are shown as asked for', async (t) => {
  const { path } = await memoryMount(t, { uid: 1234, gid: 2345, umask: 0o077 })
  const { said } = await shell('echo > a; mkdir d; stat -c "%u %g %a" a d', path)
  t.is(said, '1234 2345 600\n1234 2345 700')
})

test.serial('df shows bytes and entries', async (t) => {
  const { path } = await memoryMount(t)
  const { said } = await shell('stat -f -c "%s %b %a %c %d" .', path)
  t.is(said, `4096 ${(5 * 2 ** 30) / 4096} ${(4 * 2 ** 30) / 4096} 1000000 999000`)
})

test.serial(
  'an error reaches the program by its name, whether thrown or rejected; a defect is EIO and is logged',
  async (t) => {
    const mount = await memoryMount(t)
    await mount.tell('fail', 'mkdir', 'EDQUOT')
    t.regex((await shell('mkdir d', mount.path)).said, /quota exceeded/i)
    await mount.tell('fail', 'mkdir', 'EHOSTDOWN')
    t.regex((await shell('mkdir d', mount.path)).said, /host is down/i)
    await mount.tell('fail', 'mkdir')
    t.regex((await shell('mkdir d', mount.path)).said, /input\/output error/i)
    t.regex(mount.said(), /mkdir \/d: TypeError: mkdir is broken/)
    for (const method of [
      'read',
      'write',
      'flush',
      'fsync',
      'getattr',
      'readdir',
      'create',
      'open',
      'statfs',
    ]) {
      await mount.tell('fail', method, 'EBUSY')
    }
    t.not((await shell('ls; cat a; echo b > b; df .', mount.path)).code, 0)
  },
)

test.serial('read and write errors do not break what follows', async (t) => {
  const mount = await memoryMount(t)
  await writeFile(`${mount.path}/a`, 'text')
  await mount.tell('fail', 'read', 'EIO')
  await mount.tell('update', '/a', 'other')
  t.regex((await shell('cat a', mount.path)).said, /input\/output error/i)
  await mount.tell('fail', 'write', 'ENOSPC')
  const refused = await t.throwsAsync<NodeJS.ErrnoException>(appendFile(`${mount.path}/a`, 'more'))
  t.is(refused.code, 'ENOSPC')
  await mount.tell('heal')
  t.is((await shell('cat a; echo; echo more >> a; cat a', mount.path)).said, 'other\nothermore')
})

test.serial('what is never answered gives up, and an answer that comes too late is none', async (t) => {
  const mount = await memoryMount(t, { longestWait: 300 })
  await mount.tell('hold', 'mkdir', '/d')
  t.regex((await shell('mkdir d', mount.path)).said, /timed out/i)
  await writeFile(`${mount.path}/a`, '')
  await mount.tell('hold', 'open', '/a')
  t.regex((await shell('cat a', mount.path)).said, /timed out/i)
  await mount.tell('free')
  await until(async () => (await mount.tell('open')) === 0, 'the file that was opened too late is closed')
  t.regex(mount.said(), /mkdir \/d was given up/)
  t.is((await shell('ls', mount.path)).said, 'a\nd')
})

test.serial('a mount for reading refuses writing itself', async (t) => {
  const { path } = await memoryMount(t, { readOnly: true })
  t.regex((await shell('echo > a', path)).said, /read-only/i)
})

test.serial('many programs at once are all answered', async (t) => {
  const { path } = await memoryMount(t, { cacheSeconds: 0 })
  const script = 'for i in $(seq 20); do echo $0-$i > $0-$i; cat $0-$i; rm $0-$i; done | wc -l'
  const ran = await Promise.all(
    Array.from({ length: 24 }, (_, i) => within(shell(script.replaceAll('$0', `f${i}`), path), 'a script')),
  )
  t.deepEqual([...new Set(ran.map(({ said }) => said))], ['20'])
  t.deepEqual(await readFile(`${path}/none`).catch((error) => error.code), 'ENOENT')
})

test.serial('a rename to itself of what somebody removes meanwhile locks nothing for ever', async (t) => {
  const mount = await memoryMount(t)
  await mount.tell('seed', '/a', 'text')
  await mount.tell('vanish', '/a')
  const { said } = await shell('perl -e \'rename("a", "a") or print $!\'; ls', mount.path)
  t.is(said, 'No such file or directory')
})
