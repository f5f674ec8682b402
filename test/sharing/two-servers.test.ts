import test from 'ava'
import { runCli, type ServerProcess, startServerProcess } from '../support/cli.js'
import { tempFolder } from '../support/folder.js'
import { testRedis } from '../support/redis.js'

interface Person {
  readonly token: string
  ask(server: ServerProcess, method: string, path: string, body?: string): Promise<Response>
}

test('what one server process revokes, the other refuses with the next request', async (t) => {
  const redis = await testRedis()
  t.teardown(() => redis.stop())
  const folder = tempFolder(t)
  const settings = { REDIS_URL: redis.socket }
  const one = await startServerProcess(folder, settings)
  t.teardown(() => one.end('SIGKILL'))
  const two = await startServerProcess(folder, settings)
  t.teardown(() => two.end('SIGKILL'))
  const person = async (name: string): Promise<Person> => {
    const address = ['--email', `${name}@example.org`, '--plan', 'basic', '--json']
    const made = await runCli(['user', 'add', name, ...address], { DATA_DIR: folder, ...settings })
    const { token } = JSON.parse(made.stdout)
    const headers = { authorization: `Bearer ${token}` }
    return {
      token,
      ask: (server, method, path, body) =>
        fetch(server.url + path, { method, headers, ...(body !== undefined && { body }) }),
    }
  }
  const [ann, bob] = [await person('ann'), await person('bob')]
  const must = async (response: Promise<Response>) => {
    const { status } = await response
    t.true(status < 300, String(status))
  }
  const space = '/v1/users/ann/code/spaces/data'
  const seenBy = async (who: Person) => [
    (await who.ask(one, 'GET', `${space}/content/f`)).status,
    (await who.ask(two, 'GET', `${space}/content/f`)).status,
  ]
  await must(ann.ask(one, 'PUT', space))
  await must(ann.ask(one, 'POST', `${space}/content/f`, 'x'))
  await must(ann.ask(two, 'PUT', '/v1/admin/groups/team'))
  const join = async () => {
    await must(ann.ask(one, 'PUT', '/v1/admin/groups/team/roles/members/bob'))
    await must(bob.ask(two, 'POST', '/v1/admin/invites/@ann~team/accept', 'yes'))
  }
  await join()
  const ends = async (grant: () => Promise<void>, revoke: () => Promise<Response>) => {
    await grant()
    t.deepEqual(await seenBy(bob), [200, 200])
    await must(revoke())
    t.deepEqual(await seenBy(bob), [404, 404])
  }
  const share = () => must(ann.ask(one, 'PUT', `${space}/shared/@ann~team`))
  await ends(share, () => ann.ask(two, 'DELETE', `${space}/shared/@ann~team`))
  await ends(share, () => ann.ask(two, 'DELETE', '/v1/admin/groups/team/roles/members/bob'))
  await ends(join, () => ann.ask(one, 'DELETE', '/v1/admin/groups/team'))
  let token = ''
  const invite = async () => {
    const made = await ann.ask(one, 'POST', '/v1/spaces/share', '{"tag":"data","email":"bob@example.org"}')
    token = ((await made.json()) as { token: string }).token
    await must(bob.ask(two, 'POST', '/v1/spaces/join', JSON.stringify({ token })))
  }
  await ends(invite, () => ann.ask(two, 'DELETE', `/v1/spaces/share/${token}`))

  await invite()
  const stream = await fetch(`${one.url}${space}/changes?since=1`, {
    headers: { authorization: `Bearer ${bob.token}`, accept: 'text/event-stream' },
  })
  await must(ann.ask(two, 'DELETE', `/v1/spaces/share/${token}`))
  t.notRegex(await stream.text(), /data:/)

  // Neither the server's words nor what is at rest hold a token.
  for (const server of [one, two])
    for (const secret of [ann.token, bob.token, token]) t.false(server.stderr().includes(secret))
  const connection = await redis.connect()
  await connection.config('SET', 'rdbcompression', 'no')
  for (const key of await connection.keys('*')) {
    const value = (await connection.dumpBuffer(key))?.toString('latin1') ?? ''
    for (const secret of [ann.token, bob.token, token])
      t.false(`${key} ${value}`.includes(secret.slice(4)), key)
  }
})
