/**
 * The tree as webdav-server's `FileSystem`: a view to look through, with what the caller of the context may see. Changes go through
 * the commands only, which carry preconditions, lock tokens and limits that the package's interface has no room for; it
 * answers InvalidOperation to them.
 */
import type { Readable } from 'node:stream'
import { v2 } from 'webdav-server'
import type { AppDeps } from '../../http/deps.js'
import { spaceOp, visibleSpace } from '../../http/space-op.js'
import { SpaceError } from '../../space/errors.js'
import { parsePath } from '../../space/names.js'
import type { Page, StatResult } from '../../space/operations.js'
import type { Access, Entry, Location, OpContext } from '../../space/types.js'
import { promised } from './callbacks.js'
import type { DavContext } from './context.js'
import { TreeLocks } from './lock-manager.js'
import { DeadProperties } from './property-manager.js'

type Deps = Pick<AppDeps, 'tree' | 'blobs'>

/** The package saves and restores file systems by this; ours is saved where it is. */
const NOT_SERIALIZED = {
  uid: () => 'novem-spaces',
  serialize: (_fs: v2.FileSystem, callback: v2.ReturnCallback<unknown>) =>
    callback(v2.Errors.InvalidOperation),
  unserialize: (_data: unknown, callback: v2.ReturnCallback<v2.FileSystem>) =>
    callback(v2.Errors.InvalidOperation),
} satisfies v2.FileSystemSerializer

/** Where a path is for the domain. */
export interface Place {
  readonly op: OpContext
  readonly at: Location
}

export class SpaceFileSystem extends v2.FileSystem {
  readonly #deps: Deps
  /** The package asks for every property by itself: each entry is looked up once a request. */
  readonly #looked = new WeakMap<v2.RequestContext, Map<string, Promise<StatResult>>>()

  constructor(deps: Deps) {
    super(NOT_SERIALIZED)
    this.#deps = deps
  }

  /** What the context's caller may do in the space of the path. */
  async accessOf(context: v2.RequestContext, path: v2.Path): Promise<Access> {
    return (await this.#look(context, path)).access
  }

  protected override _fastExistCheck(
    context: v2.RequestContext,
    path: v2.Path,
    callback: (exists: boolean) => void,
  ): void {
    this.#look(context, path).then(
      () => callback(true),
      () => callback(false),
    )
  }

  protected override _type(path: v2.Path, info: v2.TypeInfo, callback: v2.ReturnCallback<v2.ResourceType>) {
    this.#tell(path, info, callback, ({ kind }) =>
      kind === 'folder' ? v2.ResourceType.Directory : v2.ResourceType.File,
    )
  }

  protected override _size(path: v2.Path, info: v2.SizeInfo, callback: v2.ReturnCallback<number>) {
    this.#tell(path, info, callback, ({ size }) => size)
  }

  protected override _etag(path: v2.Path, info: v2.ETagInfo, callback: v2.ReturnCallback<string>) {
    this.#tell(path, info, callback, ({ etag }) => etag)
  }

  protected override _creationDate(
    path: v2.Path,
    info: v2.CreationDateInfo,
    callback: v2.ReturnCallback<number>,
  ) {
    this.#tell(path, info, callback, ({ created }) => created)
  }

  protected override _lastModifiedDate(
    path: v2.Path,
    info: v2.LastModifiedDateInfo,
    callback: v2.ReturnCallback<number>,
  ) {
    this.#tell(path, info, callback, ({ modified }) => modified)
  }

  protected override _mimeType(path: v2.Path, info: v2.MimeTypeInfo, callback: v2.ReturnCallback<string>) {
    this.#tell(path, info, callback, (entry) => (entry.kind === 'file' ? entry.contentType : ''))
  }

  protected override _displayName(
    path: v2.Path,
    info: v2.DisplayNameInfo,
    callback: v2.ReturnCallback<string>,
  ) {
    this.#tell(path, info, callback, ({ name }) => name)
  }

  protected override _readDir(
    path: v2.Path,
    { context }: v2.ReadDirInfo,
    callback: v2.ReturnCallback<string[] | v2.Path[]>,
  ) {
    promised(this.#names(context, path), callback)
  }

  protected override _openReadStream(
    path: v2.Path,
    { context }: v2.OpenReadStreamInfo,
    callback: v2.ReturnCallback<Readable>,
  ) {
    promised(this.#open(context, path), callback)
  }

  protected override _lockManager(
    path: v2.Path,
    { context }: v2.LockManagerInfo,
    callback: v2.ReturnCallback<v2.ILockManager>,
  ) {
    promised(this.#locks(context, path), callback)
  }

  protected override _propertyManager(
    path: v2.Path,
    { context }: v2.PropertyManagerInfo,
    callback: v2.ReturnCallback<v2.IPropertyManager>,
  ) {
    promised(this.#properties(context, path), callback)
  }

  async #locks(context: v2.RequestContext, path: v2.Path): Promise<v2.ILockManager> {
    return new TreeLocks(this.#deps.tree, placeOf(context, path), await this.#look(context, path))
  }

  async #properties(context: v2.RequestContext, path: v2.Path): Promise<v2.IPropertyManager> {
    const { entry } = await this.#look(context, path)
    return new DeadProperties(this.#deps.tree, placeOf(context, path).op, entry)
  }

  #tell<T>(
    path: v2.Path,
    { context }: v2.IContextInfo,
    callback: v2.ReturnCallback<T>,
    value: (entry: Entry) => T,
  ): void {
    promised(
      this.#look(context, path).then(({ entry }) => value(entry)),
      callback,
    )
  }

  #look(context: v2.RequestContext, path: v2.Path): Promise<StatResult> {
    const looked = this.#looked.get(context) ?? new Map<string, Promise<StatResult>>()
    this.#looked.set(context, looked)
    const key = path.toString()
    const known = looked.get(key)
    if (known) return known
    const look = this.#stat(context, path)
    looked.set(key, look)
    return look
  }

  async #stat(context: v2.RequestContext, path: v2.Path): Promise<StatResult> {
    const { op, at } = placeOf(context, path)
    return packageErrors(this.#deps.tree.stat(op, at))
  }

  async #names(context: v2.RequestContext, path: v2.Path): Promise<string[]> {
    const { op, at } = placeOf(context, path)
    const names: string[] = []
    for (let cursor: string | undefined = ''; cursor !== undefined; ) {
      const page: Page = await packageErrors(this.#deps.tree.list(op, at, cursor === '' ? {} : { cursor }))
      names.push(...page.entries.map(({ name }) => name))
      cursor = page.cursor
    }
    return names
  }

  async #open(context: v2.RequestContext, path: v2.Path): Promise<Readable> {
    const { entry } = await this.#look(context, path)
    if (entry.kind === 'folder') throw v2.Errors.InvalidOperation
    return this.#deps.blobs.get(placeOf(context, path).op.space, entry.blob)
  }
}

/** ResourceNotFound in any space but that of the request, which its caller was looked up for. */
function placeOf(context: v2.RequestContext, path: v2.Path): Place {
  const { loaded = {}, target } = context as Partial<DavContext>
  const { session } = loaded
  const [spaceName, ...names] = path.paths
  if (!session || target?.kind !== 'space' || target.spaceName !== spaceName) throw v2.Errors.ResourceNotFound
  return { op: spaceOp(session, visibleSpace(loaded)), at: { path: parsePath(names.join('/')) } }
}

/** The package tells errors apart by identity. */
async function packageErrors<T>(found: Promise<T>): Promise<T> {
  try {
    return await found
  } catch (error) {
    if (error instanceof SpaceError && error.code === 'NOT_FOUND') throw v2.Errors.ResourceNotFound
    if (error instanceof SpaceError && error.code === 'TYPE_CLASH') throw v2.Errors.InvalidOperation
    throw error
  }
}
