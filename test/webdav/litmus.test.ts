import test, { type ExecutionContext } from 'ava'
import { Directory } from '../../src/accounts/directory.js'
import { makeSpace } from '../../src/accounts/lifecycle.js'
import { Spaces } from '../../src/space/spaces.js'
import { team } from '../sharing/fixture.js'
import { startServerProcess } from '../support/cli.js'
import { tempFolder } from '../support/folder.js'
import { hasProgram, runProgram } from '../support/programs.js'
import { testRedis } from '../support/redis.js'
import { roundRobin } from '../support/round-robin.js'

/** Suites of litmus 0.13 with the number of their tests. */
const SUITES = { basic: 16, copymove: 13, props: 30, locks: 41, http: 4 }

const withLitmus = hasProgram('litmus') ? test : test.skip

withLitmus(
  'litmus passes whole and without a warning, on two servers in turn, in an own and in a shared space',
  async (t) => {
    const { url, owner, member } = await twoServers(t)
    await Promise.all([passes(t, `${url}/dav/files/`, owner), passes(t, `${url}/dav/@owner~shared/`, member)])
  },
)

async function passes(t: ExecutionContext, url: string, token: string): Promise<void> {
  const { said } = await runProgram('litmus', ['-k', url, 'x', token], { cwd: tempFolder(t) })
  for (const [suite, count] of Object.entries(SUITES)) {
    const summary = `<- summary for \`${suite}': of ${count} tests run: ${count} passed, 0 failed.`
    t.true(said.includes(summary), `${summary}\n${said}`)
  }
  t.notRegex(said, /warning/i, said)
}

/** Two server processes on the same data behind a round-robin, and tokens of two accounts, one of which shares with the other. */
async function twoServers(t: ExecutionContext) {
  const redis = await testRedis()
  t.teardown(() => redis.stop())
  const data = tempFolder(t)
  const client = await redis.connect()
  const directory = new Directory(client)
  const spaces = new Spaces(client)
  t.teardown(() => spaces.close())
  const account = async (name: string) => {
    const made = await directory.createAccount({
      name,
      email: `${name}@example.org`,
      plan: 'premium',
      spacesEnabled: true,
    })
    return { account: made, token: (await directory.createToken(made.id, { name: 'litmus' })).token }
  }
  const owner = await account('owner')
  const member = await account('member')
  for (const name of ['files', 'shared']) await makeSpace(directory, spaces, owner.account.id, name, {})
  const shared = (await directory.listSpaces(owner.account.id)).find(({ name }) => name === 'shared')
  await team(directory, owner, 'team', member)
  await directory.shares.put(owner.account.id, shared?.id ?? '', '@owner~team~rw')
  const servers = await Promise.all([1, 2].map(() => startServerProcess(data, { REDIS_URL: redis.socket })))
  t.teardown(async () => {
    await Promise.all(servers.map((server) => server.end('SIGTERM')))
  })
  const balancer = await roundRobin(servers.map((server) => server.url))
  t.teardown(() => balancer.stop())
  return { url: balancer.url, owner: owner.token, member: member.token }
}
