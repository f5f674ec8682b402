/** The novem surface's URL space: what stands where. Folders that only hold others list them. */
import type { Resource } from '../call.js'
import { READ } from '../rights.js'
import { token, tokens, whoami } from './account.js'
import { rowsAnswer } from './folders.js'
import { gql } from './gql.js'
import { profile } from './profile.js'
import type { Row } from './rows.js'
import { adminGroups, groups, orgs, userGroups } from './sharing/groups.js'
import { invites } from './sharing/invites.js'
import { allTags } from './sharing/tags.js'
import { sessionOf } from './space-call.js'
import { spaces } from './spaces.js'
import { etagOf } from './texts.js'

type Children = Readonly<Record<string, Resource>>

/** What stands at the empty path. */
export function novemRoot(): Resource {
  const code = folder({ spaces })
  const v1 = folder({
    admin: folder({ groups: adminGroups, invites, orgs, profile, tokens }),
    code,
    groups,
    orgs,
    tags: allTags,
    token,
    users: { ...folder({}), param: { name: 'user', resource: folder({ code, groups: userGroups }) } },
    whoami,
  })
  return folder({ gql, v1 })
}

function folder(children: Children): Resource {
  return {
    verbs: {
      GET: async (call) => {
        const { created } = sessionOf(call).account
        const at = call.path.replace(/\/+/g, '/').replace(/\/$/, '')
        return rowsAnswer(
          Object.entries(children).map(([name, child]) => row(name, `${at}/${name}`, child, created)),
          READ,
        )
      },
    },
    children: new Map(Object.entries(children)),
  }
}

function row(name: string, uri: string, { children, param }: Resource, created: number): Row {
  const type = children || param ? 'system_dir' : 'system_file'
  return { name, uri, type, rights: READ, etag: etagOf(uri), created, modified: created, size: 0 }
}
