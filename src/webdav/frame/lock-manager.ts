/** The tree's locks on one entry, as webdav-server sees locks. */
import { v2 } from 'webdav-server'
import type { StatResult, TreeOperations } from '../../space/operations.js'
import type { Lock } from '../../space/types.js'
import { locksOn } from '../locks.js'
import { promised } from './callbacks.js'
import type { Place } from './file-system.js'

type LockOperations = Pick<TreeOperations, 'unlock' | 'refreshLock'>

export class TreeLocks implements v2.ILockManager {
  readonly #tree: LockOperations
  readonly #place: Place
  readonly #locks: readonly Lock[]

  constructor(tree: LockOperations, place: Place, found: StatResult) {
    this.#tree = tree
    this.#place = place
    this.#locks = locksOn(found.locks, found.entry.path)
  }

  getLocks(callback: v2.ReturnCallback<v2.Lock[]>): void {
    promised(Promise.resolve(this.#locks.map(packageLock)), callback)
  }

  getLock(uuid: string, callback: v2.ReturnCallback<v2.Lock>): void {
    const lock = this.#locks.find(({ token }) => token === uuid)
    promised(lock ? Promise.resolve(packageLock(lock)) : Promise.reject(v2.Errors.ResourceNotFound), callback)
  }

  /** The package's tokens can be guessed (webdav.md §1): locks are taken by LOCK only. */
  setLock(_lock: v2.Lock, callback: v2.SimpleCallback): void {
    callback(v2.Errors.Forbidden)
  }

  removeLock(uuid: string, callback: v2.ReturnCallback<boolean>): void {
    const { op, at } = this.#place
    promised(
      this.#tree.unlock(op, at, uuid).then(() => true),
      callback,
    )
  }

  refresh(uuid: string, timeoutSeconds: number, callback: v2.ReturnCallback<v2.Lock>): void {
    const { op, at } = this.#place
    promised(this.#tree.refreshLock(op, at, uuid, timeoutSeconds * 1000).then(packageLock), callback)
  }
}

function packageLock({ token, scope, depth, owner, accountId, expires, timeout }: Lock): v2.Lock {
  const scopes = v2.LockScope
  const kind = new v2.LockKind(
    scope === 'shared' ? scopes.Shared : scopes.Exclusive,
    v2.LockType.Write,
    timeout / 1000,
  )
  const lock = new v2.Lock(kind, accountId, owner, depth === 0 ? 0 : -1)
  lock.uuid = token
  lock.expirationDate = expires
  return lock
}
