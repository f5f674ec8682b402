/** `…/profile/{name,description}` and `…/profile/options/*`: plain files of a group or organisation (contract §5). */
import {
  GROUP_OPTIONS,
  GROUP_TEXTS,
  type GroupFile,
  groupFileDefault,
} from '../../../sharing/group-profile.js'
import type { Group } from '../../../sharing/groups.js'
import { type Answer, jsonAnswer } from '../../answer.js'
import type { Call, Resource } from '../../call.js'
import { readText } from '../../request-body.js'
import { idempotencyKey } from '../../request-headers.js'
import { OWN_TEXT, READ, type Rights } from '../../rights.js'
import { rowsAnswer } from '../folders.js'
import { textOrNotModified } from '../profile.js'
import type { Row } from '../rows.js'
import { sessionOf } from '../space-call.js'
import { groupUri, knownGroupOf, rightsToGroupOf } from './group-call.js'
import { systemRow } from './group-rows.js'

const options: Resource = {
  verbs: {
    GET: (call) =>
      listFiles(
        call,
        GROUP_OPTIONS.map((name) => `options/${name}` as const),
      ),
  },
  children: new Map(GROUP_OPTIONS.map((name) => [name, file(`options/${name}`)])),
}

export const groupProfile: Resource = {
  verbs: { GET: (call) => listFiles(call, GROUP_TEXTS, 'options') },
  children: new Map<string, Resource>([
    ...GROUP_TEXTS.map((name): [string, Resource] => [name, file(name)]),
    ['options', options],
  ]),
}

async function listFiles(call: Call, files: readonly GroupFile[], folder?: string): Promise<Answer> {
  const group = await read(call)
  const uri = `${groupUri(group.group)}/profile`
  const rows: Row[] = files.map((path) => {
    const { text, modified } = written(group, path)
    const name = path.slice(path.indexOf('/') + 1)
    return {
      ...systemRow(name, `${uri}/${path}`, 'system_file', rightsTo(group), group.created, text),
      modified,
    }
  })
  if (folder) rows.push(systemRow(folder, `${uri}/${folder}`, 'system_dir', READ, group.created))
  return rowsAnswer(rows, READ)
}

function file(path: GroupFile): Resource {
  const write = (call: Call, text: string | null) => {
    const { account } = sessionOf(call)
    const key = idempotencyKey(call.req.headers)
    return call.deps.directory.groups.writeProfile(account.id, knownGroupOf(call), path, text, {
      idempotencyKey: key,
    })
  }
  return {
    verbs: {
      GET: async (call) => {
        const group = await read(call)
        const { text, modified } = written(group, path)
        return textOrNotModified(call, text, modified, rightsTo(group), group.files[path] === undefined)
      },
      POST: async (call) => {
        const text = await readText(call.req, call.res)
        await write(call, text)
        return jsonAnswer(200, { path, size: Buffer.byteLength(text) })
      },
      DELETE: async (call) => {
        await write(call, null)
        return jsonAnswer(200, { path, cleared: true })
      },
    },
    rights: rightsToGroupOf(async (call) => rightsTo(await read(call))),
  }
}

function read(call: Call): Promise<Group> {
  return call.deps.directory.groups.read(sessionOf(call).account.id, knownGroupOf(call))
}

function rightsTo({ role }: Group): Rights {
  return role === 'founders' || role === 'admins' ? OWN_TEXT : READ
}

function written({ files, created }: Group, path: GroupFile) {
  return files[path] ?? { text: groupFileDefault(path), modified: created }
}
