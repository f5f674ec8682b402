import test, { type ExecutionContext } from 'ava'
import { Directory } from '../../src/accounts/directory.js'
import type { Account } from '../../src/accounts/types.js'
import { connectRedis } from '../../src/redis/connect.js'
import { classify, retrying } from '../../src/redis/retry.js'
import { SpaceError } from '../../src/space/errors.js'
import { lossyPath } from '../support/lossy.js'
import { testRedis } from '../support/redis.js'
import { freshName, makeSpace, refuses } from './fixture.js'

const server = await testRedis({ aof: 'everysec' })
const plain = new Directory(await server.connect())
test.after.always(() => server.stop())

/** Every mutation: what it does, and what must be true afterwards, once. */
const MUTATIONS: Record<
  string,
  {
    readonly before?: (account: Account) => Promise<unknown>
    readonly run: (directory: Directory, account: Account, before: unknown) => Promise<unknown>
    readonly after: (t: ExecutionContext, account: Account, result: unknown) => Promise<unknown>
  }
> = {
  createAccount: {
    run: (directory, account) => directory.createAccount({ name: `${account.name}-new` }),
    after: async (t, account, result) =>
      t.deepEqual(await plain.loadAccount(`${account.name}-new`), result as Account),
  },
  setAccount: {
    run: (directory, account) => directory.setAccount(account.name, { plan: 'premium' }),
    after: async (t, account) => t.is((await plain.loadAccount(account.name))?.plan.name, 'premium'),
  },
  deleteAccount: {
    before: (account) => makeSpace(plain, account.id, 'data'),
    run: (directory, account) => directory.deleteAccount(account.name),
    after: async (t, account, result) => {
      t.like(result, { id: account.id })
      t.is((result as { spaces: string[] }).spaces.length, 1)
    },
  },
  createToken: {
    run: (directory, account) => directory.createToken(account.id, { name: 'laptop' }),
    after: async (t, account, result) => {
      const { token } = result as { token: string }
      t.is((await plain.load(token)).session?.account.id, account.id)
      t.is((await plain.listTokens(account.id)).length, 1)
    },
  },
  revokeToken: {
    before: (account) => plain.createToken(account.id, { name: 'laptop' }),
    run: (directory, account) => directory.revokeToken(account.id, 'laptop'),
    after: async (t, account) => t.deepEqual(await plain.listTokens(account.id), []),
  },
  writeProfile: {
    run: (directory, account) => directory.writeProfile(account.id, 'bio', 'text'),
    after: async (t, account) => t.is((await plain.readProfile(account.id)).files.bio?.text, 'text'),
  },
  reserveSpace: {
    run: (directory, account) => directory.reserveSpace(account.id, 'data'),
    after: async (t, account, result) => {
      t.like(result, { done: false })
      await plain.confirmSpace((result as { id: string }).id)
      t.is((await plain.listSpaces(account.id)).length, 1)
    },
  },
  confirmSpace: {
    before: async (account) => (await plain.reserveSpace(account.id, 'data')).id,
    run: (directory, _account, id) => directory.confirmSpace(id as string),
    after: async (t, account) => t.is((await plain.listSpaces(account.id)).length, 1),
  },
  renameSpace: {
    before: (account) => makeSpace(plain, account.id, 'old'),
    run: (directory, account) => directory.renameSpace(account.id, 'old', 'new'),
    after: async (t, account) => t.like(await plain.listSpaces(account.id), [{ name: 'new' }]),
  },
  dropSpace: {
    before: (account) => makeSpace(plain, account.id, 'data'),
    run: (directory, account) => directory.dropSpace(account.id, 'data'),
    after: async (t, account) => t.deepEqual(await plain.listSpaces(account.id), []),
  },
}

for (const [name, { before, run, after }] of Object.entries(MUTATIONS)) {
  test(`${name} happens once and answers once when the reply is lost`, async (t) => {
    const path = await lossyPath(server.socket)
    const redis = await connectRedis(path.socket, { name: 'lossy' })
    t.teardown(async () => {
      redis.disconnect()
      await path.close()
    })
    const account = await plain.createAccount({ name: freshName() })
    const made = await before?.(account)
    const lost = path.loseNextReply()
    const result = await run(new Directory(redis), account, made)
    await lost
    await after(t, account, result)
  })
}

test.serial(
  'requests made while Redis is away are answered when it is back, and nothing is forgotten',
  async (t) => {
    const other = await testRedis({ aof: 'always' })
    t.teardown(() => other.stop())
    const directory = new Directory(await other.connect())
    const account = await directory.createAccount({ name: 'alice', plan: 'basic' })
    const { token } = await directory.createToken(account.id)
    await other.kill9()
    const waiting = Promise.all([directory.load(token), directory.reserveSpace(account.id, 'data')])
    await other.restart()
    const [{ session }, reserved] = await waiting
    t.is(session?.account.id, account.id)
    await directory.confirmSpace(reserved.id)
  },
)

test('when the time is over it is UNAVAILABLE, with a cause', async (t) => {
  const down = new Error('Connection is closed.')
  let attempts = 0
  const error = await refuses(t, 'UNAVAILABLE', /Redis does not answer/, () =>
    retrying(
      async (attempt) => {
        t.is(attempt, attempts++)
        throw down
      },
      { deadlineMs: 60 },
    ),
  )
  t.is(error.cause, down)
  t.true(attempts > 1)
})

test('a call that never answers is given up', async (t) => {
  await refuses(t, 'UNAVAILABLE', /has not answered/, () =>
    retrying(() => new Promise<never>(() => {}), { deadlineMs: 20 }),
  )
})

test('what Redis cannot do until somebody looks after it is not tried again', async (t) => {
  const full = await testRedis()
  t.teardown(() => full.stop())
  const redis = await full.connect()
  const directory = new Directory(redis)
  await redis.config('SET', 'maxmemory', '1')
  await refuses(t, 'UNAVAILABLE', /Redis refuses to work: OOM/, () =>
    directory.createAccount({ name: 'alice' }),
  )
})

test('which failures mean what', (t) => {
  const reply = (message: string) => Object.assign(new Error(message), { name: 'ReplyError' })
  for (const message of [
    'LOADING Redis is loading the dataset in memory',
    "READONLY You can't write against a read only replica.",
    'TRYAGAIN Multiple keys request during rehashing of slot',
    'CLUSTERDOWN The cluster is down',
    'BUSY Redis is busy running a script.',
  ]) {
    t.is(classify(reply(message)), 'try-again', message)
  }
  t.is(classify(reply('MISCONF Redis is configured to save RDB snapshots')), 'out-of-order')
  t.is(classify(reply('NVM EXISTS')), 'answer')
  t.is(classify(reply('ERR Error running script')), 'answer')
  t.is(classify(Object.assign(new Error('connect'), { code: 'ECONNREFUSED' })), 'try-again')
  t.is(classify(new Error('Command timed out')), 'try-again')
  t.is(classify(new TypeError('undefined is not a function')), 'answer')
  t.is(classify(new SpaceError('BUSY', 'BUSY')), 'answer')
})
