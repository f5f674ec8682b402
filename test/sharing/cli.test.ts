import test, { type ExecutionContext } from 'ava'
import { runCli } from '../support/cli.js'
import { tempFolder } from '../support/folder.js'
import { type TestServer, testServer } from '../support/server.js'
import { must, ownerOf } from './http.js'

let server: TestServer
test.before(async () => {
  server = await testServer()
})
test.after.always(() => server.stop())

async function run(t: ExecutionContext, settings: Readonly<Record<string, string>>, ...args: string[]) {
  const { code, stdout, stderr } = await runCli(args, settings)
  t.is(code, 0, `${args.join(' ')}: ${stderr}`)
  return stdout
}

async function fails(
  t: ExecutionContext,
  expected: number,
  message: RegExp,
  settings: object,
  ...args: string[]
) {
  const { code, stderr } = await runCli(args, settings as Record<string, string>)
  t.is(code, expected, `${args.join(' ')}: ${stderr}`)
  t.regex(stderr, message)
}

test('sharing from any machine', async (t) => {
  const [ann, bob] = [await ownerOf(server, 'ann1'), await server.user('bob1')]
  await must(ann, 'PUT', '/v1/admin/groups/team')
  const asAnn = { NOVEM_SERVER: `${server.url}/`, NOVEM_TOKEN: ann.token }
  const asBob = { NOVEM_SERVER: server.url, NOVEM_TOKEN: bob.token }
  t.regex(await run(t, asAnn, 'share', 'data', '@ann1~team~rw'), /data is shared with @ann1~team~rw/)
  t.regex(await run(t, asAnn, 'shares', '@ann1~data'), /^SHARED WITH +LETTERS +SINCE\n@ann1~team~rw +rw /)
  t.like(JSON.parse(await run(t, asAnn, 'shares', 'data', '--json')), [{ name: '@ann1~team~rw' }])
  await run(t, asAnn, 'unshare', 'data', '@ann1~team')
  t.regex(await run(t, asAnn, 'shares', 'data'), /^SHARED WITH.*\n$/)

  const invited = await run(
    t,
    asAnn,
    'invite',
    'data',
    'bob1@example.org',
    '--permission',
    'write',
    '--expires-in',
    '600',
  )
  const [token = ''] = /shr_\w+$/.exec(invited.trim()) ?? []
  t.regex(await run(t, asBob, 'join', token), /You joined data of ann1 with write access/)
  const listed = await run(t, asBob, 'shares')
  const [handle = ''] = /^shr_\w+/m.exec(listed) ?? []
  t.regex(listed, /BY +PERMISSION.*\nshr_\w{12} +data +ann1 +write +bob1 /)
  await run(t, asAnn, 'uninvite', handle)
  t.regex(await run(t, asAnn, 'account'), /Account ann1 on plan basic.*\n +USED +LIMIT\nspaces +1 +5\n/)
})

test('what the server refuses, or that it is away, is said', async (t) => {
  const ann = await ownerOf(server, 'ann2')
  const settings = { NOVEM_SERVER: server.url, NOVEM_TOKEN: ann.token }
  await fails(t, 1, /no space "none"/, settings, 'share', 'none', '@ann2~team')
  await fails(t, 1, /"@ann2" is a single user/, settings, 'share', 'data', '@ann2')
  await fails(t, 1, /no valid token/, { ...settings, NOVEM_TOKEN: 'wrong' }, 'shares')
  await fails(
    t,
    1,
    /127\.0\.0\.1:1 cannot be reached/,
    { ...settings, NOVEM_SERVER: 'http://127.0.0.1:1' },
    'shares',
  )
  await fails(t, 2, /token of your account is needed/, { NOVEM_SERVER: server.url }, 'shares')
  await fails(t, 2, /It must be a URL/, { NOVEM_SERVER: 'ftp://x' }, 'shares')
  await fails(t, 2, /number of seconds/, settings, 'invite', 'data', 'x@example.org', '--expires-in', 'soon')
})

test('the operator looks after groups, and deletes accounts', async (t) => {
  const settings = { DATA_DIR: tempFolder(t), DURABILITY: 'os' }
  for (const name of ['ann', 'bob']) await run(t, settings, 'user', 'add', name)
  await run(t, settings, 'group', 'add', '@ann~team')
  await run(t, settings, 'group', 'add', '+acme', '--founder', 'ann')
  await fails(t, 2, /--founder is needed/, settings, 'group', 'add', '+zoo')
  await fails(t, 1, /'team' is not the name of a group/, settings, 'group', 'members', 'team')
  t.regex(
    await run(t, settings, 'group', 'invite', '@ann~team', 'bob', '--role', 'admins'),
    /bob is invited to @ann~team/,
  )
  t.regex(
    await run(t, settings, 'group', 'members', '@ann~team'),
    /ann +founders +yes.*\nbob +admins +invited/,
  )
  t.regex(await run(t, settings, 'group', 'list', 'ann'), /\+acme +founders +yes.*\n@ann~team +founders +yes/)
  await run(t, settings, 'group', 'remove', '@ann~team', 'bob')
  await fails(t, 1, /last founder/, settings, 'group', 'remove', '@ann~team', 'ann')
  await run(t, settings, 'group', 'delete', '+acme')
  t.regex(await run(t, settings, 'user', 'delete', 'ann'), /Account ann is deleted, with 0 spaces/)
  await fails(t, 1, /no account named 'ann'/, settings, 'group', 'list', 'ann')
})
