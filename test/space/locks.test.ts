import { randomUUID } from 'node:crypto'
import test from 'ava'
import type { LockRequest } from '../../src/space/operations.js'
import type { OpContext } from '../../src/space/types.js'
import { at, blob, type TestSpace, TestTree } from '../support/space.js'

let tree: TestTree
test.before(async () => {
  tree = await TestTree.start()
})
test.after.always(() => tree.stop())

function lock(space: TestSpace, path: string, request: Partial<LockRequest> = {}, op = space.op) {
  const token = `urn:uuid:${randomUUID()}`
  return space.spaces.lock(op, at(path), {
    token,
    scope: 'exclusive',
    depth: 'infinity',
    owner: '<D:href>me</D:href>',
    timeoutMs: 60_000,
    ...request,
  })
}

function holding(space: TestSpace, ...tokens: string[]): OpContext {
  return { ...space.op, lockTokens: tokens }
}

function somebody(space: TestSpace, letter: 'w' | 'r' = 'w'): OpContext {
  return {
    ...space.op,
    caller: { accountId: 'somebody', grant: { space: space.op.space, letter } },
  }
}

const write = (space: TestSpace, path: string, op = space.op) =>
  space.spaces.write(op, at(path), blob(), { contentType: 'text/plain' })

test('a locked file changes only for its holder, who submits the token', async (t) => {
  const space = await tree.space()
  await space.write('a/f')
  const { token, path, expires } = await lock(space, 'a/f')
  t.is(path, 'a/f')
  t.true(expires > Date.now())
  const locked = { code: 'LOCKED', message: /"\/a\/f" is locked/ }
  await t.throwsAsync(write(space, 'a/f'), locked)
  await t.throwsAsync(space.remove('a/f'), locked)
  await t.throwsAsync(space.move('a/f', 'b'), locked)
  await t.throwsAsync(space.move('a', 'b'), { code: 'LOCKED' })
  await t.throwsAsync(space.remove('a', true), { code: 'LOCKED' })
  await t.throwsAsync(space.spaces.setAttributes(space.op, at('a/f'), { executable: true }), locked)
  const thief = { ...somebody(space), lockTokens: [token] }
  await t.throwsAsync(write(space, 'a/f', thief), { code: 'LOCKED' })
  await t.notThrowsAsync(write(space, 'a/f', holding(space, token)))
  await t.notThrowsAsync(write(space, 'a/other'))
})

test('a lock of depth infinity binds what is below; one of depth 0 binds the members’ list', async (t) => {
  const space = await tree.space()
  await space.write('deep/x/f')
  await space.write('flat/f')
  await lock(space, 'deep')
  await t.throwsAsync(write(space, 'deep/x/f'), { code: 'LOCKED' })
  await t.throwsAsync(write(space, 'deep/x/new'), { code: 'LOCKED' })
  await lock(space, 'flat', { depth: 0 })
  await t.throwsAsync(write(space, 'flat/new'), { code: 'LOCKED' })
  await t.throwsAsync(space.mkdir('flat/dir'), { code: 'LOCKED' })
  await t.throwsAsync(space.remove('flat/f'), { code: 'LOCKED' })
  await t.notThrowsAsync(write(space, 'flat/f'))
})

test('locks exclude each other, except shared ones', async (t) => {
  const space = await tree.space()
  await space.write('d/f')
  await lock(space, 'd/f', { scope: 'shared' })
  await t.notThrowsAsync(lock(space, 'd/f', { scope: 'shared' }))
  await t.throwsAsync(lock(space, 'd/f'), { code: 'LOCKED' })
  await t.throwsAsync(lock(space, 'd'), { code: 'LOCKED' })
  await t.notThrowsAsync(lock(space, 'd', { depth: 0 }))
})

test('a lock is refreshed by its holder, ended by it or by the owner, and known by its token', async (t) => {
  const space = await tree.space()
  await space.write('f')
  const theirs = somebody(space)
  const { token } = await lock(space, 'f', { timeoutMs: 1000 }, theirs)
  const refreshed = await space.spaces.refreshLock(theirs, at('f'), token, 7_200_000)
  t.is(refreshed.timeout, 3_600_000)
  await t.throwsAsync(space.spaces.refreshLock(space.op, at('f'), token, 1000), { code: 'LOCK_UNKNOWN' })
  await t.throwsAsync(space.spaces.unlock(theirs, at('f'), 'urn:uuid:none'), { code: 'LOCK_UNKNOWN' })
  await t.throwsAsync(lock(space, 'f', {}, somebody(space, 'r')), { code: 'READ_ONLY' })
  t.deepEqual(
    (await space.stat('f')).locks.map((one) => [one.token, one.path, one.accountId, one.owner]),
    [[token, 'f', 'somebody', '<D:href>me</D:href>']],
  )
  await space.spaces.unlock(space.op, at('f'), token)
  t.deepEqual((await space.stat('f')).locks, [])
  await t.notThrowsAsync(write(space, 'f'))
})

test('a lock that has expired binds nobody', async (t) => {
  const space = await tree.space()
  await space.write('f')
  await lock(space, 'f', { timeoutMs: 1 })
  const redis = await tree.redis.connect()
  const key = `{${space.op.space}}:l`
  const flat = await redis.hgetallBuffer(key)
  for (const [token, raw] of Object.entries(flat)) {
    raw.writeUIntBE(Date.now() - 1, 10, 6)
    await redis.hset(key, token, raw)
  }
  await t.notThrowsAsync(write(space, 'f'))
  await t.notThrowsAsync(lock(space, 'f'))
  t.is(await redis.hlen(key), 1)
})

test('locks follow neither moves nor deletes; properties follow moves', async (t) => {
  const space = await tree.space()
  await space.write('a/f')
  const { token } = await lock(space, 'a/f')
  const set = new Map([['{urn:x}colour', '<c xmlns="urn:x">red</c>']])
  await space.spaces.changeProperties(holding(space, token), at('a/f'), { set })
  await space.spaces.move(holding(space, token), at('a'), at('b'))
  const { entry, locks } = await space.stat('b/f')
  t.deepEqual(locks, [])
  t.true(entry.hasProperties)
  t.deepEqual((await space.spaces.properties(space.op, [entry.id])).get(entry.id), set)
  await space.write('b/f')
  t.true((await space.stat('b/f')).entry.hasProperties)
  await space.spaces.changeProperties(space.op, at('b/f'), { set: new Map([['{urn:x}colour', null]]) })
  t.false((await space.stat('b/f')).entry.hasProperties)
  const tooMuch = new Map([['{urn:x}big', 'x'.repeat(66_000)]])
  await t.throwsAsync(space.spaces.changeProperties(space.op, at('b/f'), { set: tooMuch }), {
    code: 'BAD_REQUEST',
    message: /65536/,
  })
})
