/** What the kernel keeps, and how it is taken back. */
import { open, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { KernelCache, type KernelCacheParts } from '../../mount/fuse/kernel-cache.js'
import { memoryMount, shell, until } from './support/mounted.js'

test.serial('what was asked once is not asked again', async (t) => {
  const { path, tell } = await memoryMount(t)
  await shell('mkdir d; echo text > d/a; cat d/a', path)
  await stat(`${path}/d/a`)
  await tell('calls')
  for (let i = 0; i < 20; i++) t.is((await stat(`${path}/d/a`)).size, 5)
  t.is(await readFile(`${path}/d/a`, 'utf8'), 'text\n')
  const calls = (await tell('calls')) as string[]
  t.deepEqual(
    calls.map((call) => call.split(' ')[0]).filter((call) => call !== 'flush' && call !== 'release'),
    ['open'],
  )
})

test.serial('whoever makes a file knows its attributes', async (t) => {
  const { path, tell } = await memoryMount(t)
  await stat(path)
  await tell('calls')
  const file = await open(`${path}/new`, 'a')
  t.is((await file.stat()).size, 0)
  const calls = (await tell('calls')) as string[]
  t.deepEqual(
    calls.map((call) => call.split(' ')[0]),
    ['getattr', 'create', 'getattr'],
    'the look-up, the file, and what is told of it',
  )
  await file.close()
})

test.serial('other bytes in a file show at once, in size and contents', async (t) => {
  const { path, tell } = await memoryMount(t)
  await writeFile(`${path}/a`, 'one')
  for (let i = 0; i < 50; i++) {
    const text = `${i} `.repeat(i + 1)
    await readFile(`${path}/a`)
    await tell('update', '/a', text)
    await shows(t, `${path}/a`, text)
  }
})

test.serial('a file that was replaced, gone or come shows at once', async (t) => {
  const { path, tell } = await memoryMount(t)
  for (let i = 0; i < 30; i++) {
    await tell('put', '/a', `text ${i}`)
    await shows(t, `${path}/a`, `text ${i}`)
    await tell('put', '/a', `other ${i}`)
    await shows(t, `${path}/a`, `other ${i}`)
    await tell('remove', '/a')
    await until(async () => !(await exists(`${path}/a`)), 'the file is gone')
  }
})

test.serial('whoever has a file open when it changes reads the new bytes', async (t) => {
  const { path, tell } = await memoryMount(t)
  await writeFile(`${path}/a`, 'before')
  const file = await open(`${path}/a`)
  const read = async () => (await file.read(Buffer.alloc(10), 0, 10, 0)).buffer.toString('utf8', 0, 5)
  t.is(await read(), 'befor')
  await tell('update', '/a', 'after')
  await until(async () => (await read()) === 'after', 'the new bytes show')
  await file.close()
})

test.serial('a file that takes the place of a folder, and the other way round', async (t) => {
  const { path, tell } = await memoryMount(t)
  for (let i = 0; i < 5; i++) {
    await shell('mkdir d; echo text > d/a; ls -lR', path)
    await tell('remove', '/d')
    await tell('put', '/d', 'file')
    await shows(t, `${path}/d`, 'file')
    await tell('remove', '/d')
    await until(async () => !(await exists(`${path}/d`)), 'the file is gone')
  }
})

test.serial('an answer from before a change that arrives after it is not believed', async (t) => {
  const { path, tell } = await memoryMount(t)
  await tell('seed', '/a', 'before')
  await tell('late', 'getattr', '/a')
  const early = stat(`${path}/a`)
  await until(async () => ((await tell('waiting')) as number) > 0, 'the look-up waits')
  await tell('update', '/a', 'after it')
  await sleep(100)
  await tell('free')
  t.is((await early).size, 6)
  await until(async () => (await stat(`${path}/a`)).size === 8, 'the new size shows')
})

test.serial(
  'the companion that was killed: changes show a little later, and the mount goes on',
  async (t) => {
    const mount = await memoryMount(t)
    await writeFile(`${mount.path}/a`, 'one')
    const { said } = await shell(`pgrep -P ${mount.process.pid} -f companion-process`, '/')
    process.kill(Number(said), 'SIGKILL')
    await until(() => /may show up to 1 s late/.test(mount.said()), 'the mount notices')
    await writeFile(`${mount.path}/b`, 'one')
    await mount.tell('update', '/b', 'three')
    await shows(t, `${mount.path}/b`, 'three')
  },
)

test.serial(
  'look-ups under a storm of changes, renames and unlinks: no dead-lock, and right in the end',
  async (t) => {
    const mount = await memoryMount(t)
    const { path, tell } = mount
    const names = Array.from({ length: 20 }, (_, i) => `f${i}`)
    const end = Date.now() + 3_000
    const hammer = shell(
      `while [ -z "$(ls stop 2>/dev/null)" ]; do for f in ${names.join(' ')}; do cat $f; done; ls -l; done >/dev/null 2>&1`,
      path,
    )
    const mover = shell(
      'i=0; while [ ! -e stop ]; do i=$((i+1)); echo > t; mv t u; rm u; done >/dev/null 2>&1',
      path,
    )
    let last = new Map<string, string | undefined>()
    for (let round = 0; Date.now() < end; round++) {
      last = new Map()
      for (const [i, name] of names.entries()) {
        const gone = (round + i) % 7 === 0
        const text = `${round} `.repeat(i + 1)
        last.set(name, gone ? undefined : text)
        await tell(...(gone ? ['put', `/${name}`, ''] : ['put', `/${name}`, text]))
        if (gone) await tell('remove', `/${name}`)
      }
    }
    await tell('put', '/stop', '')
    await Promise.all([hammer, mover])
    await sleep(1_000)
    for (const [name, text] of last) {
      const found = await readFile(`${path}/${name}`, 'utf8').catch(() => undefined)
      t.is(found, text, name)
      t.is((await stat(`${path}/${name}`).catch(() => undefined))?.size, text?.length, name)
    }
    t.deepEqual(
      (await readdir(path)).sort(),
      ['stop', ...[...last].filter(([, text]) => text !== undefined).map(([name]) => name)].sort(),
    )
  },
)

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

async function shows(t: ExecutionContext, path: string, text: string): Promise<void> {
  await until(async () => (await readFile(path, 'utf8').catch(() => '')) === text, `${path} shows ${text}`)
  t.is((await stat(path)).size, text.length)
}

/** The order of things, without a kernel. */
function cacheOf(parts: Partial<KernelCacheParts> = {}) {
  const sent: string[][] = []
  const cache = new KernelCache({
    idAt: (path) => (path === '/' ? 1 : path.length * 100),
    detach: () => 0,
    send: async (messages) => {
      sent.push(messages.map((message) => described(message)))
    },
    requests: { drained: async () => {} },
    grace: 1,
    ...parts,
  })
  return { cache, sent }
}

function described(message: Buffer): string {
  const inode = message.readBigUInt64LE(16)
  if (message.readInt32LE(4) === 3)
    return `entry ${inode} ${message.toString('utf8', 32, message.length - 1)}`
  return message.readBigInt64LE(24) < 0 ? `attributes ${inode}` : `inode ${inode}`
}

test.serial(
  'a change names the inode, a name that is gone its entry as well; and once more, when all is quiet',
  async (t) => {
    const { cache, sent } = cacheOf()
    cache.invalidate([
      { folder: '/', name: 'ab' },
      { folder: '/d', name: 'x', unlinked: true },
      { folder: '/d' },
    ])
    await until(() => sent.length === 2, 'told twice')
    t.deepEqual(sent, [
      ['inode 300', 'inode 400', 'entry 200 x', 'inode 200'],
      ['inode 300', 'inode 400', 'entry 200 x', 'inode 200'],
    ])
  },
)

test.serial('what the kernel does not know is not told', async (t) => {
  const { cache, sent } = cacheOf({ idAt: () => 0 })
  cache.invalidate([{ folder: '/d', name: 'x', unlinked: true }])
  await until(() => sent.length === 2, 'told twice')
  t.deepEqual(sent, [[], []])
})

test.serial(
  'a file that has gone keeps its bytes for who has it open, and loses its name at once',
  async (t) => {
    const detached: string[] = []
    const { cache, sent } = cacheOf({
      idAt: (path) => (path === '/' ? 1 : 0),
      detach: (path) => {
        detached.push(path)
        return 7
      },
    })
    cache.invalidate([{ folder: '/', name: 'a', unlinked: true }])
    t.deepEqual(detached, ['/a'])
    await until(() => sent.length === 2, 'told twice')
    t.deepEqual(sent, [
      ['attributes 7', 'entry 1 a'],
      ['attributes 7', 'entry 1 a'],
    ])
  },
)

test.serial('a folder’s own attributes and its name are told apart', async (t) => {
  const { cache, sent } = cacheOf()
  cache.invalidate([{ folder: '/', name: 'd', unlinked: true }, { folder: '/d' }])
  await until(() => sent.length === 2, 'told twice')
  t.deepEqual(sent[0], ['inode 200', 'entry 1 d', 'inode 200'])
})

test.serial('a thousand changes of one name are two at most', async (t) => {
  const { cache, sent } = cacheOf()
  for (let i = 0; i < 1000; i++) cache.invalidate([{ folder: '/', name: 'a', unlinked: i === 500 }])
  await until(() => sent.length >= 4, 'told')
  t.true(sent.length <= 4)
  t.deepEqual(sent[1], ['inode 200', 'entry 1 a'])
})

test.serial('too many names become their folders', async (t) => {
  const { cache, sent } = cacheOf({ longest: 10 })
  cache.invalidate(Array.from({ length: 20 }, (_, i) => ({ folder: '/d/e', name: `${i}`, unlinked: true })))
  await until(() => sent.length > 0, 'told')
  t.deepEqual(sent[0], ['inode 400', 'entry 200 e'])
})

test.serial(
  'whoever opens a file that has changed waits until the kernel was told, but not for ever',
  async (t) => {
    const gates: (() => void)[] = []
    const { cache } = cacheOf({ send: () => new Promise((resolve) => gates.push(resolve)) })
    t.is(cache.settled('/a'), undefined)
    cache.invalidate([{ folder: '/', name: 'a' }])
    let over = false
    const wait = cache.settled('/a')?.then(() => {
      over = true
    })
    t.is(cache.settled('/b'), undefined)
    await until(() => gates.length > 0, 'it is being told')
    t.false(over)
    gates[0]?.()
    await wait
    cache.invalidate([{ folder: '/', name: 'c' }])
    // Its own patience keeps no process alive.
    const alive = setInterval(() => {}, 1000)
    await cache.settled('/c')
    clearInterval(alive)
    t.pass()
  },
)

test.serial('when the mount has gone nothing more is told', async (t) => {
  const { cache, sent } = cacheOf({ send: () => Promise.reject(new Error('ENODEV')) })
  cache.invalidate([{ folder: '/', name: 'a' }])
  await until(() => cache.settled('/a') === undefined, 'it gives up')
  cache.invalidate([{ folder: '/', name: 'b' }])
  t.is(cache.settled('/b'), undefined)
  t.deepEqual(sent, [])
})
