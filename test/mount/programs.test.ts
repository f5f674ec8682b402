import { mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { tempFolder } from '../support/folder.js'
import { hasProgram } from '../support/programs.js'
import { Random } from '../support/random.js'
import { type TestServer, testServer } from '../support/server.js'
import { LACKING, mountSpace, must, type SpaceMount } from './support/mounting.js'
import { agrees, journalOf, makeSpace } from './support/space-view.js'

/** Programs that know nothing of us, on a mount as on a disk; afterwards the space holds what they saw. */

const LONG = process.env.NOVEM_TEST_LONG === '1'
const FILES = LONG ? 10_000 : 2_000
const SOME_FILES = LONG ? 2_000 : 300
const SECONDS = LONG ? 600 : 100

let server: TestServer
let spaces = 0
test.before(async () => {
  server = await testServer({ plans: { premium: { spaces: 200 } } })
})
test.after.always(() => server.stop())

interface Scene {
  readonly mount: SpaceMount
  /** Folder of the mount. */
  readonly dir: string
  /** A local folder for the test's own files. */
  readonly local: string
  readonly space: string
  /** A shell script in the mount, `$L` is the local folder; it ends at the first failure. What it said. */
  sh(script: string): Promise<string>
}

/** A test in both modes of writing, left out where a program is not installed. */
function onMounts(
  title: string,
  programs: readonly string[],
  run: (t: ExecutionContext, scene: Scene, kind: 'through' | 'back') => Promise<void>,
): void {
  const missing = [...programs.filter((name) => !hasProgram(name)), ...LACKING]
  for (const kind of ['through', 'back'] as const) {
    if (missing.length > 0) {
      test.skip(`${kind}: ${title} (left out without ${missing.join(', ')})`, () => {})
      continue
    }
    test.serial(`${kind}: ${title}`, async (t) => {
      t.timeout(3 * SECONDS * 1000)
      const space = `s${++spaces}`
      await makeSpace({ ...server, space })
      const local = tempFolder(t)
      const mount = await mountSpace(t, server, space, { kind })
      const { dir } = mount
      const env = { L: local, LC_ALL: 'C.UTF-8', HOME: local }
      const sh = (script: string) => must(t, 'sh', ['-ec', script], { cwd: dir, seconds: SECONDS, env })
      await run(t, { mount, dir, local, space, sh }, kind)
      const seen = join(tempFolder(t), 'seen')
      await must(t, 'cp', ['-r', dir, seen], { seconds: SECONDS })
      await mount.end()
      await agrees(t, server, space, seen)
      t.notRegex(mount.said(), /error|conflict/i)
      t.deepEqual(server.errors, [])
    })
  }
}

/** A tree of many small files, some larger, with old times and some exec bits. */
function makeTree(folder: string, files = FILES): string {
  const random = new Random(files)
  for (let i = 0; i < files; i++) {
    const path = join(folder, `d${i % 7}`, `sub ${i % 23}`, `file-${i}.txt`)
    if (i < 7 * 23) mkdirSync(dirname(path), { recursive: true })
    const bytes = Buffer.alloc(i % 200 === 0 ? 300_000 : random.below(3000), `${i} `)
    writeFileSync(path, bytes, { mode: i % 10 === 0 ? 0o755 : 0o644 })
    utimesSync(path, 1_500_000_000, 1_500_000_000 + i)
  }
  mkdirSync(join(folder, 'empty'))
  return folder
}

onMounts(`cp -r of ${FILES} files, diff, find, cp -p, mv, rm -r`, [], async (t, { sh, local }) => {
  makeTree(join(local, 'tree'))
  await sh('cp -r $L/tree tree; diff -r $L/tree tree')
  t.is(
    (await sh('find . -type f | wc -l; find tree -type d | wc -l')).trim(),
    `${FILES}\n${await countFolders(t, local)}`,
  )
  await sh(
    'cp -rp $L/tree/d1 d1; mv tree/d1 moved; rm -r tree; diff -r $L/tree/d1 moved; diff -r $L/tree/d1 d1',
  )
  const facts = "find . -printf '%P %s %TY-%Tm-%Td %TH:%TM:%.2TS %m\\n' | sort"
  t.is(await sh(`cd d1; ${facts} | grep txt`), await sh(`cd $L/tree/d1; ${facts} | grep txt`))
  t.is(await sh('ls'), 'd1\nmoved\n')
})

async function countFolders(t: ExecutionContext, local: string): Promise<string> {
  return (await must(t, 'sh', ['-c', `find ${local}/tree -type d | wc -l`])).trim()
}

onMounts('rsync -a: the second time there is nothing to do', ['rsync'], async (t, { sh, local }) => {
  makeTree(join(local, 'tree'), SOME_FILES)
  await sh('rsync -a $L/tree/ copy/; diff -r $L/tree copy')
  t.is(await sh('rsync -ai $L/tree/ copy/'), '')
  t.is(await sh('rsync -aHi --checksum $L/tree/ copy/'), '')
  await sh(
    'echo more >> $L/tree/d1/sub\\ 1/file-1.txt; rm -r $L/tree/d2; rsync -aH --delete --inplace $L/tree/ copy/',
  )
  t.is(await sh('rsync -aHi --delete $L/tree/ copy/; diff -r $L/tree copy'), '')
})

onMounts('tar x and tar c', ['tar'], async (t, { sh, local }) => {
  makeTree(join(local, 'tree'), SOME_FILES)
  await sh('tar cf $L/tree.tar -C $L tree; tar xpf $L/tree.tar; diff -r $L/tree tree')
  // Owners, modes and times are those of the archive.
  t.is(await sh('tar df $L/tree.tar'), '')
  await sh('tar czf packed.tgz tree; mkdir again; tar xzf packed.tgz -C again; diff -r again/tree $L/tree')
})

onMounts('git: commit, gc, fsck, clone, branches of hundreds of files', ['git'], async (t, { sh, local }) => {
  makeTree(join(local, 'tree'), SOME_FILES)
  await sh(`
    git config --global user.name n; git config --global user.email a@b; git config --global init.defaultBranch main
    git init -q repo; cd repo; cp -r $L/tree .; git add .; git commit -qm first
    git checkout -qb other; rm -r tree/d1; sed -i s/1/x/g tree/d2/*/*.txt; git add -A; git commit -qm second
    git checkout -q main; diff -r $L/tree tree; git checkout -q other; git checkout -q main
    git merge -q other; git rebase -q main; git stash list; git fsck --strict; git gc -q; git fsck --strict`)
  t.is(await sh('cd repo; git status --short; git log --format=%s'), 'second\nfirst\n')
  await sh('git clone -q repo clone; git clone -q $PWD/repo $L/clone; diff -r clone/tree $L/clone/tree')
  await sh('cd clone; echo more > more; git add more; git commit -qm third; git push -q origin HEAD:pushed')
  t.is(await sh('cd repo; git log --format=%s pushed; git fsck --strict'), 'third\nsecond\nfirst\n')
})

for (const mode of ['delete', 'wal']) {
  onMounts(
    `sqlite3, journal mode ${mode}: several writers, a roll-back, integrity`,
    ['sqlite3'],
    async (t, { sh }) => {
      await sh(
        `sqlite3 db 'pragma journal_mode=${mode}; create table t (who, n, text); create index i on t (n)'`,
      )
      await sh(`
      for who in 1 2; do
        for n in 1 2 3 4 5 6 7 8; do
          echo "pragma busy_timeout=60000; begin immediate;
            with recursive c(x) as (select 1 union all select x+1 from c where x<100)
            insert into t select $who, $n, hex(randomblob(40)) from c; commit;"
        done | sqlite3 db > /dev/null & pids="$pids $!"
      done; for pid in $pids; do wait $pid; done`)
      await sh(
        'sqlite3 db "begin; delete from t where n < 5; insert into t select * from t; rollback; update t set text=\'x\' where n=3"',
      )
      await sh("sqlite3 db 'delete from t where n=8; vacuum'")
      t.is(
        await sh(
          'sqlite3 db \'pragma integrity_check; select who, count(*) from t group by who; select count(*) from t where n=3 and text="x"\'',
        ),
        'ok\n1|700\n2|700\n200\n',
      )
    },
  )
}

onMounts('make builds what changed, and nothing else', ['make', 'cc'], async (t, { sh }) => {
  const makefile =
    'prog: a.o b.o\n\tcc -o prog a.o b.o\n%.o: %.c common.h\n\tcc -c $<\nclean:\n\trm -f prog *.o\n'
  await sh(`
    printf '${makefile.replaceAll('%', '%%').replaceAll('\n', '\\n').replaceAll('\t', '\\t')}' > Makefile
    printf '#define ANSWER 42\\nint f(void);\\n' > common.h
    printf '#include "common.h"\\nint main(void) { return f() != ANSWER; }\\n' > a.c
    printf '#include "common.h"\\nint f(void) { return ANSWER; }\\n' > b.c`)
  t.is(await sh('make; ./prog'), 'cc -c a.c\ncc -c b.c\ncc -o prog a.o b.o\n')
  t.is(await sh('make'), "make: 'prog' is up to date.\n")
  t.is(await sh('echo "/* */" >> b.c; make; ./prog'), 'cc -c b.c\ncc -o prog a.o b.o\n')
  t.is(await sh('touch common.h; make -j2 | sort'), 'cc -c a.c\ncc -c b.c\ncc -o prog a.o b.o\n')
  t.is(await sh('make -s clean; ls'), 'Makefile\na.c\nb.c\ncommon.h\n')
})

onMounts('saves of editors', ['vim', 'sed', 'perl'], async (t, { sh, space }, kind) => {
  await sh('printf "one\\ntwo\\n" > doc; chmod +x doc')
  await sh('sync doc')
  const before = (await journalOf({ ...server, space })).length
  await sh('sed -i s/two/TWO/ doc')
  t.is(await sh('cat doc; ls'), 'one\nTWO\ndoc\n')
  await sh('sync doc')
  const rows = (await journalOf({ ...server, space }))
    .slice(before)
    .map(({ change, path }) => `${change} ${path}`)
  // Written back, a temporary file moved over the target is one new version of it.
  if (kind === 'back') t.deepEqual(rows, ['update doc'])
  t.is(rows.filter((row) => row.endsWith(' doc')).length, kind === 'back' ? 1 : 2)
  await sh(
    `for how in yes no; do vim -es -u NONE -c "set writebackup backupcopy=$how" -c '%s/$/!/' -c wq doc; done`,
  )
  t.is(await sh('cat doc; ls -A'), 'one!!\nTWO!!\ndoc\n')
  await sh(
    'perl -pi -e s/one/1/ doc; mv doc doc~; cat doc~ > doc; chmod +x doc; rm doc~; echo text > new; mv -f new doc~; [ -x doc ]',
  )
  t.is(await sh('cat doc doc~'), '1!!\nTWO!!\ntext\n')
  await sh("printf '1\\n2\\n3\\n' > a; cp a b; echo 4 >> b; diff -u a b > p || patch -s a p; cmp a b; rm p")
})

onMounts('fio verifies what it wrote', ['fio'], async (t, { sh }) => {
  const common =
    '--verify=crc32c --do_verify=1 --verify_fatal=1 --fallocate=none --output=$L/fio.out --size=6m --numjobs=1'
  await sh(
    `fio --name=random --rw=randwrite --bs=4k --ioengine=psync --fsync=200 ${common} || { cat $L/fio.out; exit 1; }`,
  )
  await sh(
    `fio --name=mapped --rw=randwrite --bs=4k-64k --ioengine=mmap ${common} || { cat $L/fio.out; exit 1; }`,
  )
  await sh(
    `fio --name=stream --rw=write --bs=1m --ioengine=libaio --iodepth=4 --end_fsync=1 ${common} || { cat $L/fio.out; exit 1; }`,
  )
  t.is(await sh('ls -d *.0.0'), 'mapped.0.0\nrandom.0.0\nstream.0.0\n')
})

onMounts('dbench', ['dbench'], async (t, { sh }) => {
  const load = '/usr/share/dbench/client.txt'
  const said = await sh(`timeout 180 dbench -t ${LONG ? 60 : 4} -c ${load} -D . 2`)
  t.regex(said, /Throughput [\d.]+ MB\/sec/)
  t.notRegex(said.replace('failed to create barrier semaphore', ''), /failed|error/i)
})
