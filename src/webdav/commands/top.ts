/** What is above the spaces: the list of them at `/dav/`, and the server's root on the way to it. */
import type { Answer } from '../../http/answer.js'
import { callerIn } from '../../sharing/visible.js'
import { SpaceError } from '../../space/errors.js'
import { ROOT } from '../../space/names.js'
import type { StatResult } from '../../space/operations.js'
import type { FolderEntry } from '../../space/types.js'
import type { DavCall } from '../call.js'
import type { Depth } from '../headers.js'
import type { Renderer } from '../properties/render.js'
import { encodeSpace } from '../xml/escape.js'
import { CLOSE, multistatus, OPEN, response } from '../xml/multistatus.js'

/** A space as it stands in the list. */
export interface ListedSpace extends StatResult {
  /** `name`, or `@owner~name`. */
  readonly name: string
  readonly href: string
}

/** Own spaces, then those that others share, each as its root says. */
export async function listedSpaces({ deps, session, origin }: DavCall): Promise<ListedSpace[]> {
  const { account, caller } = session
  const [own, shared] = await Promise.all([
    deps.directory.listSpaces(account.id),
    deps.directory.visible.shared(account.id),
  ])
  const all = [
    ...own.map(({ id, name }) => ({ id, name, caller })),
    ...shared.map((space) => ({
      id: space.id,
      name: `@${space.owner}~${space.name}`,
      caller: callerIn(space, account.id),
    })),
  ]
  const found = await Promise.all(
    all.map(async ({ id, name, caller: as }) => {
      const root = await visible(
        deps.tree.stat({ space: id, caller: as, limits: account.plan }, { path: ROOT }),
      )
      return root && { ...root, name, href: `${origin.root}/${encodeSpace(name)}` }
    }),
  )
  return found.filter((space) => space !== undefined)
}

/** One that was deleted or is no longer shared since is not in the list. */
async function visible(found: Promise<StatResult>): Promise<StatResult | undefined> {
  try {
    return await found
  } catch (error) {
    if (error instanceof SpaceError && error.code === 'NOT_FOUND') return undefined
    throw error
  }
}

/** PROPFIND of them. Infinity goes no deeper than the spaces' roots: what is in them is each space's own. */
export async function topAnswer(call: DavCall, depth: Depth, renderer: Renderer): Promise<Answer> {
  const { href, kind } = call.target
  let xml = folderResponse(href, kind === 'above' ? '' : 'dav', call, renderer)
  if (depth !== 0 && kind === 'above') xml += folderResponse(`${call.origin.root}/`, 'dav', call, renderer)
  if (depth !== 0 && kind === 'top') {
    for (const { name, href: spaceHref, entry, locks, mark } of await listedSpaces(call)) {
      xml += response(`${spaceHref}/`, renderer.write(entry, { spaceHref, spaceName: name, locks, mark }))
    }
  }
  return multistatus(OPEN + xml + CLOSE)
}

function folderResponse(href: string, name: string, { session }: DavCall, renderer: Renderer): string {
  const { created, id } = session.account
  const entry: FolderEntry = {
    kind: 'folder',
    id: 0,
    name,
    path: '',
    created,
    modified: created,
    etag: Buffer.from(id).toString('hex').slice(0, 32).padEnd(32, '0'),
    hasProperties: false,
    size: 0,
    entries: 0,
  }
  const view = { spaceHref: href, spaceName: name, locks: [], mark: { seq: 0, epoch: '' } }
  return response(href, renderer.write(entry, view))
}
