/** macOS: files that are unlinked or replaced while they are open. libfuse hides them, and nobody else learns of that. */
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { FileSystemError } from '../../mount/filesystem.js'
import { deferred } from '../../mount/fuse/deferred.js'
import { HiddenFiles } from '../../mount/fuse/macos/hidden.js'
import { until } from './support/mounted.js'

const ALIAS = /^\.fuse_hidden[0-9a-f]{16}$/

/** The decision itself, without a kernel. */
function hiding(patience: number) {
  const calls: string[] = []
  const gate = deferred()
  const fs = {
    hide: (path: string) => void calls.push(`hide ${path}`),
    dropHidden: async (path: string) => {
      calls.push(`drop ${path}`)
      await gate.promise
    },
  }
  const hidden = new HiddenFiles(fs, { failed: (path) => calls.push(`failed ${path}`) }, patience)
  return { calls, hidden, finish: gate.resolve }
}

const A = '/d/.fuse_hidden000000020000000a'
const thread = {}
const other = {}
const LONG = 3_000

test.serial('a hiding in the same folder is one, anything else is a rename', (t) => {
  const { hidden } = hiding(LONG)
  t.true(hidden.isHiding('/d/a', A))
  t.false(hidden.isHiding('/a', A))
  t.false(hidden.isHiding('/d/a', '/d/.fuse_hidden'))
  t.regex(A.split('/').at(-1) ?? '', ALIAS)
})

test.serial('the same thread’s rename onto the path ends a hiding; look-ups wait for it', async (t) => {
  const { hidden, calls } = hiding(LONG)
  await hidden.hide(thread, '/d/a', A)
  const lookUp = hidden.settle(other, 'getattr', '/d/a')?.then(() => calls.push('looked up'))
  t.is(hidden.settle(thread, 'rename', '/b', '/d/a'), undefined)
  await hidden.replace('/d/a', async () => {
    calls.push('rename')
  })
  await lookUp
  t.deepEqual(calls, ['hide /d/a', 'rename', 'looked up'])
})

test.serial('a replacement that fails ends a hiding, too', async (t) => {
  const { hidden, calls } = hiding(LONG)
  await hidden.hide(thread, '/d/a', A)
  await t.throwsAsync(hidden.replace('/d/a', () => Promise.reject(new FileSystemError('EBUSY', 'no'))))
  t.deepEqual(calls, ['hide /d/a'])
  t.is(hidden.settle(thread, 'getattr', '/d/a'), undefined)
})

test.serial('an alias that is not one, or no longer, stands for nothing', async (t) => {
  const { hidden, finish } = hiding(LONG)
  const errno = () => t.throws<FileSystemError>(() => hidden.check(A))?.errno
  t.is(errno(), 'ENOENT')
  t.notThrows(() => hidden.check('/d/a'))
  await hidden.hide(thread, '/d/a', A)
  t.notThrows(() => hidden.check(A))
  hidden.forget(A)
  t.is(errno(), 'ESTALE')
  finish()
  await hidden.close()
})

test.serial('what the same thread does else, or another to the folder, shows an unlink', async (t) => {
  const requests: [object, string, string, string?][] = [
    [thread, 'getattr', '/x'],
    [thread, 'rename', '/b', '/c'],
    [other, 'create', '/d/a'],
    [other, 'rename', '/b', '/d/a'],
    [other, 'readdir', '/d'],
    [other, 'rmdir', '/d'],
    [other, 'rename', '/d', '/e'],
  ]
  for (const request of requests) {
    const { hidden, calls, finish } = hiding(LONG)
    await hidden.hide(thread, '/d/a', A)
    const settled = hidden.settle(...request)
    t.deepEqual(calls, ['hide /d/a', 'drop /d/a'], request.slice(1).join(' '))
    finish()
    await settled
    t.is(hidden.settle(...request), undefined)
  }
})

test.serial('what has nothing to do with it does not wait', async (t) => {
  const { hidden, calls } = hiding(LONG)
  await hidden.hide(thread, '/d/a', A)
  for (const [operation, path] of [
    ['readdir', '/'],
    ['getattr', '/d'],
    ['create', '/d/b'],
    ['rmdir', '/dd'],
  ]) {
    t.is(hidden.settle(other, operation as string, path as string), undefined)
  }
  t.deepEqual(calls, ['hide /d/a'])
  const { hidden: closed, finish } = hiding(LONG)
  finish()
  await closed.close()
})

test.serial('what is done with the hidden file itself waits, and shows nothing', async (t) => {
  const { hidden, calls, finish } = hiding(20)
  await hidden.hide(thread, '/d/a', A)
  finish()
  await hidden.settle(other, 'flush', A)
  t.deepEqual(calls, ['hide /d/a', 'drop /d/a'])
})

test.serial('after a while it was an unlink; one that fails is told', async (t) => {
  const calls: string[] = []
  const fs = {
    hide: () => {},
    dropHidden: () => Promise.reject(new FileSystemError('EIO', 'The server is away.')),
  }
  const hidden = new HiddenFiles(fs, { failed: (path, error) => calls.push(`${path}: ${String(error)}`) }, 1)
  await hidden.hide(thread, '/d/a', A)
  await until(() => calls.length > 0, 'the failure is told')
  t.deepEqual(calls, ['/d/a: FileSystemError: The server is away.'])
  await sleep(1)
  t.is(hidden.settle(other, 'create', '/d/a'), undefined)
})
