import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import { v2 } from 'webdav-server'
import type { AppDeps } from '../../src/http/deps.js'
import { TokenUsers } from '../../src/webdav/frame/authentication.js'
import { createContext, type DavContext } from '../../src/webdav/frame/context.js'
import { DavServer } from '../../src/webdav/server.js'
import { parseDavTarget } from '../../src/webdav/target.js'
import { type TestServer, type TestUser, testServer } from '../support/server.js'
import { type DavRequest, davOf, lockToken, refusedAs, share } from './support.js'

/** What the package, and whoever extends it, sees of our drive; and what happens when something in it goes wrong. */

let server: TestServer
let deps: AppDeps
let dav: DavRequest

test.before(async () => {
  server = await testServer({
    plan: 'enterprise',
    wrap: (parts) => {
      deps = parts
      return parts
    },
  })
  dav = davOf(server, server)
  await server.fetch('/v1/code/spaces/s', { method: 'PUT' })
})
test.after.always(() => server.stop())

/** Calls what calls back. */
function called<T>(call: (callback: v2.ReturnCallback<T>) => void): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    call((error, value) => (error ? reject(error) : resolve(value)))
  })
}

async function contextOf(drive: DavServer, user: TestUser, path: string): Promise<DavContext> {
  const origin = { root: '/dav', hosts: [] }
  const target = parseDavTarget(`/dav${path}`, '/dav')
  const request = { headers: { authorization: `Bearer ${user.token}` }, method: 'GET', socket: {} } as never
  const context = createContext({
    server: drive,
    request,
    response: {} as never,
    target,
    origin,
    token: user.token,
  })
  const found = await new TokenUsers(deps.directory).find(
    user.token,
    target.kind === 'space' ? target.address : undefined,
  )
  return Object.assign(context, found)
}

test('the file system shows entries as they are, to those who see them', async (t) => {
  await dav('MKCOL', '/dav/s/d')
  await dav(
    'PUT',
    '/dav/s/d/a%20b.txt',
    { 'content-type': 'text/x-a', 'x-oc-mtime': '1000000000' },
    'content',
  )
  await lockToken(dav, '/dav/s/d/a%20b.txt')
  const props =
    '<propertyupdate xmlns="DAV:"><set><prop><x xmlns="urn:x:">1</x></prop></set></propertyupdate>'
  const drive = new DavServer(deps)
  const context = await contextOf(drive, server, '/s/d')
  const fs = drive.rootFileSystem()
  const [folder, file] = [new v2.Path('/s/d'), new v2.Path('/s/d/a b.txt')]
  t.deepEqual(await called((back) => fs.readDir(context, folder, back)), ['a b.txt'])
  t.true((await called<v2.ResourceType>((back) => fs.type(context, folder, back)))?.isDirectory)
  t.true((await called<v2.ResourceType>((back) => fs.type(context, file, back)))?.isFile)
  t.is(await called<number>((back) => fs.size(context, file, back)), 7)
  t.is(await called<string>((back) => fs.mimeType(context, file, back)), 'text/x-a')
  t.is(await called<string>((back) => fs.displayName(context, file, back)), 'a b.txt')
  t.is(await called<number>((back) => fs.lastModifiedDate(context, file, back)), 1_000_000_000_000)
  t.true(((await called<number>((back) => fs.creationDate(context, file, back))) ?? 0) > 1_000_000_000_000)
  const { headers } = await dav('HEAD', '/dav/s/d/a%20b.txt')
  t.is(`"${await called<string>((back) => fs.etag(context, file, back))}"`, headers.etag as string)
  const stream = await called<NodeJS.ReadableStream>((back) =>
    fs.openReadStream(context, file, back as never),
  )
  let text = ''
  for await (const piece of stream ?? []) text += piece
  t.is(text, 'content')
  const locks = await called<v2.ILockManager>((back) => fs.lockManager(context, file, back))
  const [lock] = (await called<v2.Lock[]>((back) => locks?.getLocks(back))) ?? []
  t.is(lock?.userUid, server.account.id)
  t.true(lock?.lockKind.scope.isSame(v2.LockScope.Exclusive))
  t.is((await called<v2.Lock>((back) => locks?.getLock(lock?.uuid ?? '', back)))?.uuid, lock?.uuid)
  t.is((await called<v2.Lock>((back) => locks?.refresh(lock?.uuid ?? '', 100, back)))?.lockKind.timeout, 100)
  t.true(await called<boolean>((back) => locks?.removeLock(lock?.uuid ?? '', back)))
  await t.throwsAsync(called((back) => locks?.getLock('urn:none', back)))
  await t.throwsAsync(called((back) => locks?.setLock(lock as v2.Lock, back as v2.SimpleCallback)))
  await dav('PROPPATCH', '/dav/s/d/a%20b.txt', {}, props)
  const later = await contextOf(drive, server, '/s/d')
  const properties = await called<v2.IPropertyManager>((back) => fs.propertyManager(later, file, back))
  t.deepEqual(await called((back) => properties?.getProperties(back as never)), {
    '{urn:x:}x': { value: '<x xmlns="urn:x:">1</x>' },
  } as never)
  t.is(
    await called((back) => properties?.getProperty('{urn:x:}x', back as never)),
    '<x xmlns="urn:x:">1</x>' as never,
  )
  await t.throwsAsync(called((back) => properties?.getProperty('{urn:x:}none', back as never)))
  await t.throwsAsync(called((back) => properties?.setProperty('x', 'y', {}, back as v2.SimpleCallback)))
  await t.throwsAsync(called((back) => properties?.removeProperty('x', back as v2.SimpleCallback)))
})

test('the file system changes nothing, and shows no other space', async (t) => {
  await dav('PUT', '/dav/s/f', {}, 'x')
  const drive = new DavServer(deps)
  const context = await contextOf(drive, server, '/s')
  const fs = drive.rootFileSystem()
  const file = new v2.Path('/s/f')
  const other = new v2.Path('/elsewhere/f')
  for (const change of [
    (back: v2.SimpleCallback) => fs.delete(context, file, back as never),
    (back: v2.SimpleCallback) =>
      fs.create(context, new v2.Path('/s/new'), v2.ResourceType.File, back as never),
    (back: v2.SimpleCallback) => fs.move(context, file, new v2.Path('/s/moved'), back as never),
    (back: v2.SimpleCallback) => fs.openWriteStream(context, file, back as never),
  ]) {
    await t.throwsAsync(called(change as never))
  }
  await t.throwsAsync(called((back) => fs.readDir(context, file, back)))
  await t.throwsAsync(called<v2.ResourceType>((back) => fs.type(context, other, back)))
  await t.throwsAsync(called<v2.ResourceType>((back) => fs.type(context, new v2.Path('/s/none'), back)))
  await t.throwsAsync(called((back) => fs.openReadStream(context, new v2.Path('/s'), back as never)))
  t.is((await dav('GET', '/dav/s/f')).text, 'x')
  const { serializer } = fs as unknown as { serializer(): v2.FileSystemSerializer }
  await t.throwsAsync(called((back) => serializer.call(fs).serialize(fs, back as never)))
})

test('privileges are what the caller’s access to the space allows', async (t) => {
  await server.fetch('/v1/code/spaces/shared', { method: 'PUT' })
  await dav('PUT', '/dav/shared/f', {}, 'x')
  const bob = await server.user('bob')
  await share(server, 'shared', '', bob)
  const drive = new DavServer(deps)
  const may = async (user: TestUser, path: string, privilege: string) => {
    const context = await contextOf(drive, user, path)
    const resource = drive.getResourceSync(context, path)
    return called<boolean>((back) => drive.privilegeManager.can(path, resource, privilege, back as never))
  }
  t.true(await may(server, '/shared/f', 'canRead'))
  t.true(await may(server, '/shared/f', 'canWriteContentSource'))
  t.true(await may(bob, '/@ann~shared/f', 'canReadProperties'))
  t.false(await may(bob, '/@ann~shared/f', 'canWriteLocks'))
  await t.throwsAsync(may(bob, '/shared/f', 'canRead'))
})

test('users are accounts by their tokens, and nobody is an administrator', async (t) => {
  const users = new TokenUsers(deps.directory)
  const user = await called<v2.IUser>((back) =>
    users.getUserByNamePassword('any', server.token, back as never),
  )
  t.like(user, { uid: server.account.id, username: 'ann', isAdministrator: false, isDefaultUser: false })
  for (const token of ['', 'constructor', 'nbt-wrong']) {
    await t.throwsAsync(
      called((back) => users.getUserByNamePassword('ann', token, back as never)),
      {
        code: 'UNAUTHENTICATED',
      },
    )
  }
  const nobody = await new Promise<v2.IUser>((resolve) => users.getDefaultUser(resolve))
  t.like(nobody, { uid: '', isAdministrator: false, isDefaultUser: true })
})

/** A drive with a listener of its own, to be broken. */
async function listening(t: ExecutionContext, drive: DavServer): Promise<DavRequest> {
  const http = createServer((req, res) => drive.serve(req, res, req.url ?? '/'))
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  t.teardown(() => new Promise<void>((resolve) => http.close(() => resolve())))
  return davOf({ port: (http.address() as AddressInfo).port }, server)
}

test.serial(
  'whatever is thrown, wherever, is a 500 and a line in the log; the next request is answered',
  async (t) => {
    const ways: Record<string, (drive: DavServer) => void> = {
      'a command throws': (drive) => {
        drive.method('GET', { chunked: () => raise() })
      },
      'a command ends without an answer': (drive) => {
        drive.method('GET', { chunked: (_ctx, _body, done) => done() })
      },
      'a command is none': (drive) => {
        drive.methods.get = { unchunked: (_ctx, _body, done) => done() }
      },
      'authentication throws': (drive) => {
        drive.httpAuthentication.getUser = () => raise()
      },
      'authentication fails in its callback': (drive) => {
        drive.httpAuthentication.getUser = (_ctx, back) => back(new TypeError('boom'))
      },
    }
    for (const [how, breakIt] of Object.entries(ways)) {
      const drive = new DavServer(deps)
      const before = server.errors.length
      breakIt(drive)
      const ask = await listening(t, drive)
      const answer = await ask('GET', '/dav/s/f')
      refusedAs(t, answer, 500, 'operator')
      t.false(answer.text.includes('boom'), how)
      t.is(server.errors.length, before + 1, how)
    }
    t.is((await dav('PROPFIND', '/dav/s', { depth: '0' })).status, 207)
  },
)

function raise(): never {
  throw new TypeError('boom')
}

test.serial('what fails in the middle of an answer cuts the connection, and nothing else', async (t) => {
  const tree = new Proxy(deps.tree, {
    get: (target, name) => {
      if (name === 'tree') {
        return async (...args: Parameters<typeof target.tree>) => {
          const found = await target.tree(...args)
          const broken = async function* () {
            yield* []
            raise()
          }
          return { ...found, batches: broken() }
        }
      }
      const value = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  const ask = await listening(t, new DavServer({ ...deps, tree }))
  await t.throwsAsync(ask('PROPFIND', '/dav/s', { depth: 'infinity' }))
  t.is((await ask('PROPFIND', '/dav/s', { depth: '0' })).status, 207)
})

test('none of the package’s own commands is left, and nothing of it answers', async (t) => {
  const drive = new DavServer(deps)
  t.deepEqual(
    Object.keys(drive.methods).sort(),
    'copy delete get head lock mkcol move options propfind proppatch put report unlock'.split(' '),
  )
  const ask = await listening(t, drive)
  for (const method of ['POST', 'PATCH', 'SEARCH', 'ACL'])
    refusedAs(t, await ask(method, '/dav/s/f'), 405, method)
})
