import test from 'ava'
import { silentLog } from '../../src/log.js'
import { openStore } from '../../src/store.js'
import { runCli } from '../support/cli.js'
import { tempFolder } from '../support/folder.js'

const COMMANDS = [
  'serve',
  'user add',
  'user set',
  'user list',
  'user delete',
  'token add',
  'token list',
  'token revoke',
  'group add',
  'group list',
  'group members',
  'group invite',
  'group remove',
  'group delete',
  'fsck',
  'gc',
]

for (const name of COMMANDS) {
  test(`${name} --help names its settings and the exit codes`, async (t) => {
    const { code, stdout } = await runCli([...name.split(' '), '--help'])
    t.is(code, 0)
    t.regex(stdout, /DATA_DIR/)
    t.regex(stdout, /REDIS_URL/)
    t.regex(stdout, /Exit codes:/)
  })
}

test('wrong usage ends with 2 and says what was wrong', async (t) => {
  const wrong: readonly (readonly [readonly string[], RegExp])[] = [
    [[], /Usage: novem-spaces/],
    [['frob'], /unknown command 'frob'/],
    [['user'], /Usage: novem-spaces user/],
    [['user', 'frob'], /unknown command 'frob'/],
    [['user', 'add'], /missing required argument 'name'/],
    [['user', 'list', '--frob'], /unknown option '--frob'/],
    [['user', 'set', 'ann', '--spaces', 'maybe'], /'maybe' is invalid/],
    [['user', 'set', 'ann', '--plan', 'gold'], /'gold' is invalid/],
    [['user', 'add', 'ann', '--plan', 'gold'], /'gold' is invalid/],
    [['serve', '--port', 'many'], /'--port <number>' argument 'many' is invalid/],
  ]
  for (const [args, message] of wrong) {
    const { code, stderr } = await runCli(args)
    t.is(code, 2, args.join(' '))
    t.regex(stderr, message)
  }
})

test('accounts and tokens without a running server, as text and as JSON', async (t) => {
  const settings = { DATA_DIR: tempFolder(t), DURABILITY: 'os' }
  const run = async (...args: string[]) => {
    const { code, stdout, stderr } = await runCli(args, settings)
    t.is(code, 0, stderr)
    return stdout
  }
  const added = await run('user', 'add', 'ann', '--email', 'Ann@example.org', '--plan', 'basic')
  t.regex(added.trim().split('\n').at(-1) ?? '', /^nbt-\w{30,}$/)
  t.like(JSON.parse(await run('user', 'list', '--json')), [
    { name: 'ann', email: 'Ann@example.org', plan: 'basic', spaces: true },
  ])
  t.like(JSON.parse(await run('user', 'set', 'ann', '--plan', 'premium', '--email', '', '--json')), {
    plan: 'premium',
    email: '',
  })
  t.regex(await run('user', 'list'), /^NAME +PLAN.*\nann +premium/)

  const token = JSON.parse(await run('token', 'add', 'ann', '--name', 'laptop', '--json'))
  t.like(token, { account: 'ann', name: 'laptop' })
  t.regex(token.token, /^nbt-/)
  await run('token', 'revoke', 'ann', 'laptop')
  const left = JSON.parse(await run('token', 'list', 'ann', '--json')) as readonly { name: string }[]
  t.deepEqual(
    left.map(({ name }) => name),
    ['token'],
  )
})

test('what fails ends with 1 and names the input', async (t) => {
  const settings = { DATA_DIR: tempFolder(t), DURABILITY: 'os' }
  const failing: readonly (readonly [readonly string[], RegExp])[] = [
    [['user', 'add', 'Ann'], /'Ann' cannot be the name/],
    [['user', 'add', 'ann', '--email', 'nowhere'], /nowhere/],
    [['user', 'set', 'nobody', '--plan', 'free'], /no account named 'nobody'/],
    [['token', 'add', 'nobody'], /no account named 'nobody'/],
    [['token', 'revoke', 'nobody', 'x'], /no account named 'nobody'/],
  ]
  for (const [args, message] of failing) {
    const { code, stderr } = await runCli(args, settings)
    t.is(code, 1, args.join(' '))
    t.regex(stderr, message)
  }
})

test('a password is given as an option, or where nobody sees it, on stdin', async (t) => {
  const settings = { DATA_DIR: tempFolder(t), DURABILITY: 'os' }
  const isPassword = async (password: string) => {
    const store = await openStore({ dataDir: settings.DATA_DIR, durability: 'os' }, 'command', silentLog)
    try {
      return (await store.directory.checkPassword('ann', password)) !== undefined
    } finally {
      await store.close()
    }
  }
  const both = ['user', 'add', 'ann', '--password', 'one and a half', '--password-stdin']
  t.is((await runCli(both, settings, 'another one')).code, 2)
  t.is((await runCli(['user', 'add', 'ann', '--password-stdin'], settings, '')).code, 1)
  t.is((await runCli(['user', 'add', 'ann', '--password-stdin'], settings, 'one and a half\n')).code, 0)
  t.true(await isPassword('one and a half'))
  t.is((await runCli(['user', 'set', 'ann', '--password-stdin'], settings, 'another one')).code, 0)
  t.true(await isPassword('another one'))
  t.is((await runCli(['user', 'set', 'ann', '--plan', 'basic'], settings)).code, 0)
  t.true(await isPassword('another one'))
  t.is((await runCli(['user', 'set', 'ann', '--no-password'], settings)).code, 0)
  t.false(await isPassword('another one'))
})

test('commands at the same time take turns with the data folder', async (t) => {
  const settings = { DATA_DIR: tempFolder(t), DURABILITY: 'os' }
  const runs = await Promise.all(['ann', 'bob', 'cia'].map((name) => runCli(['user', 'add', name], settings)))
  t.deepEqual(
    runs.map(({ code }) => code),
    [0, 0, 0],
    runs.map(({ stderr }) => stderr).join(''),
  )
})
