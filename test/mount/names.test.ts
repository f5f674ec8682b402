import test, { type ExecutionContext } from 'ava'
import { type TestServer, testServer } from '../support/server.js'
import { LACKING, mountSpace, must, runTimed, type SpaceMount } from './support/mounting.js'
import { agrees, contentsOf, makeSpace } from './support/space-view.js'

/** What a space makes of names (seed 002, "Names"), seen through a mount: case is kept and not told apart. */

const mountTest = LACKING.length === 0 ? test : test.skip

let server: TestServer
let spaces = 0
test.before(async () => {
  server = await testServer({ plans: { premium: { spaces: 100 } } })
})
test.after.always(() => server.stop())

interface Scene {
  readonly mount: SpaceMount
  readonly space: string
  /** Runs a shell script in the mount; what it said, and its code where that is not 0. */
  sh(script: string): Promise<string>
  /** Canonical paths in the space. */
  paths(): Promise<string[]>
}

async function scene(t: ExecutionContext, kind: 'through' | 'back' = 'through'): Promise<Scene> {
  const space = `s${++spaces}`
  await makeSpace({ ...server, space })
  const mount = await mountSpace(t, server, space, { kind })
  return {
    mount,
    space,
    sh: async (script) => {
      const { code, said } = await runTimed('sh', ['-c', script], {
        cwd: mount.dir,
        env: { LC_ALL: 'C.UTF-8' },
      })
      return code === 0 ? said.trimEnd() : `${said.trimEnd()} (${code})`
    },
    paths: async () => [...(await contentsOf({ ...server, space })).keys()],
  }
}

async function end(t: ExecutionContext, { mount, space }: Scene): Promise<void> {
  await mount.end()
  await agrees(t, server, space)
}

for (const kind of ['through', 'back'] as const) {
  mountTest(`${kind}: look-ups in any case find the entry, listings show its own`, async (t) => {
    const s = await scene(t, kind)
    await s.sh('mkdir -p Folder/Sub && echo one > Folder/Sub/ReadMe.TXT')
    t.is(await s.sh('cat folder/SUB/readme.txt FOLDER/sub/README.txt'), 'one\none')
    t.is(await s.sh('ls -R | cat'), '.:\nFolder\n\n./Folder:\nSub\n\n./Folder/Sub:\nReadMe.TXT')
    t.is(await s.sh('echo two > folder/sub/README.TXT; ls Folder/Sub; cat Folder/Sub/*'), 'ReadMe.TXT\ntwo')
    t.is(await s.sh('mkdir FOLDER'), 'mkdir: cannot create directory ‘FOLDER’: File exists (1)')
    t.is(await s.sh('rm folder/sub/readme.txt; rmdir FOLDER/SUB; ls Folder'), '')
    await end(t, s)
  })

  mountTest(`${kind}: letters of other scripts, and names in decomposed form`, async (t) => {
    const s = await scene(t, kind)
    const [nfc, nfd] = ['Ärger für Ölfässer', 'Ärger für Ölfässer'.normalize('NFD')]
    await s.sh(`echo umlaut > '${nfd}'; echo sigma > ΣΊΣΥΦΟΣ; echo cyrillic > Привет`)
    t.is(
      await s.sh(`cat '${nfc}' '${nfd}' '${nfc.toUpperCase().normalize('NFD')}'`),
      'umlaut\numlaut\numlaut',
    )
    t.is(await s.sh('cat σίσυφος σίσυφοσ ПРИВЕТ'), 'sigma\nsigma\ncyrillic')
    t.deepEqual((await s.sh('ls -1')).split('\n').sort(), ['ΣΊΣΥΦΟΣ', 'Привет', nfc].sort())
    t.is(
      await s.sh('echo > straße; ls STRASSE'),
      "ls: cannot access 'STRASSE': No such file or directory (2)",
    )
    await end(t, s)
    t.deepEqual((await s.paths()).sort(), ['straße', 'ΣΊΣΥΦΟΣ', 'Привет', nfc].sort())
  })

  mountTest(`${kind}: a rename that changes only the case, or the normal form`, async (t) => {
    const s = await scene(t, kind)
    await s.sh('mkdir folder && echo text > folder/file')
    t.is(await s.sh('mv folder/file folder/File && ls folder && cat folder/FILE'), 'File\ntext')
    // Without -T mv takes the other spelling for a folder to move into.
    t.is(await s.sh('mv -T folder Folder && ls && cat folder/file'), 'Folder\ntext')
    t.is(
      await s.sh(`echo x > ${'é'.normalize('NFC')}; mv ${'é'.normalize('NFC')} ${'É'.normalize('NFD')}; ls`),
      'Folder\nÉ',
    )
    t.is(
      await s.sh('mv -T Folder FOLDER/sub'),
      "mv: cannot move 'Folder' to a subdirectory of itself, 'FOLDER/sub' (1)",
    )
    await end(t, s)
    t.deepEqual(await s.paths(), ['Folder', 'Folder/File', 'É'])
  })

  mountTest(`${kind}: two spellings of one name are open at once`, async (t) => {
    const s = await scene(t, kind)
    t.is(
      await s.sh(
        'exec 3>>Log 4>>LOG; echo one >&3; echo two >&4; echo three >&3; cat log; exec 3>&- 4>&-; ls; cat lOg',
      ),
      'one\ntwo\nthree\nLog\none\ntwo\nthree',
    )
    t.is(await s.sh('exec 3<log; rm LOG; ls; echo new > LOG; ls; cat Log'), 'LOG\nnew')
    // What the server has not heard of yet arrives there as a new version of what it replaces, under its name.
    t.regex(
      await s.sh('exec 3<>log; echo other > tmp; mv tmp Log; ls; cat log LOG'),
      /^L(og|OG)\nother\nother$/,
    )
    const name = await s.sh('ls')
    await end(t, s)
    t.deepEqual(await s.paths(), [name])
  })

  mountTest(`${kind}: names that spaces do not have`, async (t) => {
    const s = await scene(t, kind)
    await s.sh('echo x > good')
    const refused = [
      'a:b',
      'a\\b',
      'a*',
      'a?',
      '"',
      '<',
      '>',
      '|',
      'tail ',
      'dot.',
      'CON',
      'nul.txt',
      'COM1',
      'LPT9.log',
      '\u0001',
      '\u007f',
    ]
    for (const name of refused) {
      const script = (command: string) =>
        runTimed('sh', ['-c', `${command} 2>&1`, 'sh', name], { cwd: s.mount.dir, env: { LC_ALL: 'C' } })
      for (const command of ['echo x > "$1"', 'mkdir -- "$1"', 'mv good "$1"']) {
        const { said } = await script(command)
        t.regex(said, /Invalid argument|subdirectory of itself/, `${command} ${JSON.stringify(name)}`)
      }
      t.regex((await script('cat -- "$1"')).said, /No such file/, JSON.stringify(name))
    }
    const raw = await runTimed('sh', ['-c', 'printf x > "$(printf \'bad\\377\')"'], {
      cwd: s.mount.dir,
      env: { LC_ALL: 'C' },
    })
    t.regex(raw.said, /Invalid argument|cannot create/)
    t.is(await s.sh('ls'), 'good')
    await end(t, s)
    t.deepEqual(await s.paths(), ['good'])
  })

  mountTest(`${kind}: names, paths and trees that are too long or too deep`, async (t) => {
    const s = await scene(t, kind)
    const long = 'n'.repeat(255)
    t.is(await s.sh(`echo x > ${long} && ls`), long)
    for (const name of [`${long}n`, 'ü'.repeat(128), `${'ü'.repeat(127)}xx`.normalize('NFC')]) {
      t.regex(await s.sh(`echo x > ${name}`), /File name too long/)
      t.regex(await s.sh(`mkdir ${name}`), /File name too long/)
      t.regex(await s.sh(`mv ${long} ${name}`), /File name too long/)
    }
    // 255 bytes are measured after NFC: decomposed it has more, and fits.
    const decomposed = 'ü'.repeat(127).normalize('NFD')
    t.regex(
      await s.sh(`echo nfd > ${decomposed}; cat ${decomposed.normalize('NFC')}`),
      /^nfd$|File name too long/,
    )
    await s.sh(`d=.; for i in 1 2 3; do d=$d/${'p'.repeat(250)}; mkdir $d; done`)
    t.regex(
      await s.sh(`cd p*/p*/p* && mkdir ${'p'.repeat(250)} && cd p* && echo x > ${'q'.repeat(30)}`),
      /File name too long/,
    )
    t.regex(
      await s.sh('d=deep; mkdir $d; for i in $(seq 70); do d=$d/x; mkdir $d || exit; done'),
      /File name too long/,
    )
    t.is((await s.sh('find deep -type d | wc -l')).trim(), '64')
    await end(t, s)
  })
}

mountTest('names that others have made show as they are, and are found in any case', async (t) => {
  const s = await scene(t)
  const at = `/v1/code/spaces/${s.space}/content`
  await server.fetch(`${at}/Work/Über.txt`, { method: 'POST', body: 'one' })
  t.is(await must(t, 'cat', [`${s.mount.dir}/wORK/üBER.TXT`]), 'one')
  t.is(await s.sh('ls Work work WORK | cat'), 'WORK:\nÜber.txt\n\nWork:\nÜber.txt\n\nwork:\nÜber.txt')
  // A change of theirs shows by whatever path the kernel came to it.
  await server.fetch(`${at}/WORK/%C3%BCber.TXT`, { method: 'POST', body: 'longer' })
  await shows(t, s, 'cat work/über.txt Work/ÜBER.txt WORK/Über.txt', 'longerlongerlonger')
  await server.fetch(`${at}/work/%C3%9Cber.txt`, { method: 'DELETE' })
  await server.fetch(`${at}/work/%C3%9Cber.txt/`, { method: 'PUT' })
  await shows(t, s, 'stat -c %F work/über.txt Work/ÜBER.txt WORK/Über.txt', 'directory\ndirectory\ndirectory')
  await server.fetch(`${at}/work/`, { method: 'DELETE', headers: { 'x-nvm-recursive': 'true' } })
  await end(t, s)
})

mountTest('what was changed and then replaced by another kind, unseen between', async (t) => {
  const s = await scene(t)
  const at = `/v1/code/spaces/${s.space}/content`
  await server.fetch(`${at}/x`, { method: 'POST', body: 'one' })
  t.is(await s.sh('cat x'), 'one')
  await server.fetch(`${at}/x`, { method: 'POST', body: 'two' })
  await server.fetch(`${at}/x`, { method: 'DELETE' })
  await server.fetch(`${at}/x/`, { method: 'PUT' })
  await shows(t, s, 'stat -c %F x', 'directory')
  await end(t, s)
})

mountTest('a change by one spelling shows by the others', async (t) => {
  const s = await scene(t)
  t.is(await s.sh('mkdir Dir; echo one > Dir/File; cat DIR/FILE dir/file'), 'one\none')
  await s.sh('echo longer > Dir/File')
  await shows(t, s, 'stat -c %s DIR/FILE dir/file; cat DIR/FILE dir/file', '7\n7\nlonger\nlonger')
  await s.sh('chmod +x dir/file; touch -d @1000000000 Dir/file')
  await shows(t, s, 'stat -c %A,%Y DIR/FILE dir/file', '-rwxr-xr-x,1000000000\n-rwxr-xr-x,1000000000')
  await s.sh('mv dir/FILE Dir/Other')
  await shows(t, s, 'ls -d DIR/* dir/other; ls dir/file DIR/FILE 2>/dev/null || true', 'DIR/Other\ndir/other')
  await end(t, s)
})

/** Polls until a script says what is expected. */
async function shows(t: ExecutionContext, { sh }: Scene, script: string, expected: string): Promise<void> {
  let seen = await sh(script)
  for (const end = Date.now() + 5000; seen !== expected && Date.now() < end; ) seen = await sh(script)
  t.is(seen, expected)
}
