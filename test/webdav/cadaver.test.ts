import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { must, startDrive, withPrograms } from './drive.js'

/** What is typed, and what cadaver must answer to it. */
const SESSION: readonly (readonly [command: string, answer: RegExp])[] = [
  ['mkcol day', /Creating `day': succeeded/],
  ['cd day', /dav:\/dav\/files\/day\/>/],
  ['put one.txt', /Uploading one\.txt .* succeeded/],
  ['put one.txt "ünïc ☃ #1 %.txt"', /Uploading one\.txt .* succeeded/],
  ['mput one.txt two.txt', /Uploading two\.txt .* succeeded/],
  ['ls', /ünïc ☃ #1 %\.txt +21/],
  ['get one.txt got.txt', /Downloading .*one\.txt' to got\.txt: .* succeeded/],
  ['lock one.txt', /Locking `one\.txt': succeeded/],
  ['discover one.txt', /Scope: exclusive {2}Type: write {2}Timeout: 3\d{3} seconds/],
  ['put two.txt one.txt', /Uploading two\.txt .* succeeded/],
  ['unlock one.txt', /Unlocking `one\.txt': succeeded/],
  ['copy one.txt copied.txt', /Copying .* succeeded/],
  ['move copied.txt moved.txt', /Moving .* succeeded/],
  ['mkcol folder', /Creating `folder': succeeded/],
  ['copy moved.txt two.txt folder', /Copying .* succeeded/],
  ['propset one.txt colour blue', /Setting property on `one\.txt': succeeded/],
  ['propget one.txt colour', /Value of colour is: blue/],
  ['propnames one.txt', /http:\/\/webdav\.org\/cadaver\/custom-properties\/ colour/],
  ['propdel one.txt colour', /Deleting property on `one\.txt': succeeded/],
  ['cat "ünïc ☃ #1 %.txt"', /\n10\n/],
  ['delete two.txt', /Deleting `two\.txt': succeeded/],
  ['get none', /Downloading .*none' to none: .*failed:\n404/],
  ['rmcol folder', /Deleting collection `folder': succeeded/],
]

withPrograms(['cadaver'])('cadaver: a session of files, locks, copies and properties', async (t) => {
  const drive = await startDrive(t)
  const lines = (count: number) => `${Array.from({ length: count }, (_, i) => i + 1).join('\n')}\n`
  writeFileSync(join(drive.local, 'one.txt'), lines(10))
  writeFileSync(join(drive.local, 'two.txt'), lines(20))
  writeFileSync(
    join(drive.local, '.netrc'),
    `machine 127.0.0.1 login ${drive.user} password ${drive.token}\n`,
    {
      mode: 0o600,
    },
  )
  const { said } = await must(t, 'timeout', ['60', 'cadaver', `${drive.url}/`], {
    cwd: drive.local,
    env: { HOME: drive.local, LANG: 'C.UTF-8' },
    input: `${SESSION.map(([command]) => command).join('\n')}\nquit\n`,
  })
  for (const [command, answer] of SESSION) t.regex(said, answer, `${command}\n${said}`)
  t.is(readFileSync(join(drive.local, 'got.txt'), 'utf8'), lines(10))
  t.is(await (await drive.get('day/one.txt')).text(), lines(20))
  t.is((await drive.get('day/two.txt')).status, 404)
  await drive.agrees(t)
})
