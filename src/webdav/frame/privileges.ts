/** The package's privileges: what the caller's access to the space allows, from the look that any answer takes anyway. */
import { v2 } from 'webdav-server'
import { promised } from './callbacks.js'
import { SpaceFileSystem } from './file-system.js'

export class AccessPrivileges extends v2.PrivilegeManager {
  override can(
    _fullPath: v2.Path | string,
    resource: v2.Resource,
    privilege: string | string[],
    callback: v2.PrivilegeManagerCallback,
  ): void {
    promised(this.#allows(resource, [privilege].flat()), (error, allowed) =>
      callback(error, allowed === true),
    )
  }

  async #allows(resource: v2.Resource, privileges: readonly string[]): Promise<boolean> {
    const fs = resource.fs
    if (!(fs instanceof SpaceFileSystem)) return false
    const access = await fs.accessOf(resource.context, resource.path)
    return privileges.every((privilege) => privilege.startsWith('canRead') || access.write)
  }
}
