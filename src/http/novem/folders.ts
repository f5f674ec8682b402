/** Folders that are part of every space or of the server, and rows of what is in them. */
import type { MetaValue, SpaceInfo } from '../../space/operations.js'
import { type Answer, JSON_TYPE } from '../answer.js'
import type { Resource } from '../call.js'
import { type OWN_SPACE, READ, type Rights } from '../rights.js'
import { type Row, rowsJson } from './rows.js'
import { ofSpace, rightsInSpace, type SpaceCall, uriOf } from './space-call.js'
import { DEFAULT_TEXT, etagOf, textRights, urlOf } from './texts.js'

/** A listing's answer: rows, and what the folder itself allows. */
export function rowsAnswer(rows: readonly Row[], rights: Rights): Answer {
  return {
    status: 200,
    headers: [
      'Content-Type',
      JSON_TYPE,
      'X-NVM-Type',
      'dir',
      'X-NVM-Permissions',
      rights.header,
      'Cache-Control',
      'private, no-cache',
    ],
    body: rowsJson(rows),
  }
}

/** A folder in a space that holds what `rows` says. */
export function spaceFolder(
  children: Resource['children'],
  rows: (call: SpaceCall, contents: Contents) => readonly Row[],
): Resource {
  return {
    verbs: {
      GET: ofSpace(async (call) => {
        const { info, meta } = await call.deps.tree.readMeta(call.op)
        return rowsAnswer(rows(call, { info, meta, uri: uriOf(call.space.owner, call.space.name) }), READ)
      }),
    },
    ...(children && { children }),
    gated: true,
    rights: rightsInSpace(async (call) => {
      await call.deps.tree.info(call.op)
      return READ
    }),
  }
}

/** What the rows of a space's own folders are made from. */
export interface Contents {
  readonly info: SpaceInfo
  readonly meta: Readonly<Record<string, MetaValue>>
  /** Of the space. */
  readonly uri: string
}

/** The space itself, as a listing of spaces shows it. */
export function spaceRow(
  { info, uri }: Pick<Contents, 'info' | 'uri'>,
  name: string,
  rights: Rights | typeof OWN_SPACE,
): Row {
  const { created, modified, bytes } = info
  return { name, uri, type: 'dir', rights, etag: stateEtag(info), created, modified, size: bytes }
}

/** Changes whenever anything in the content does. */
export function stateEtag({ id, mark }: SpaceInfo): string {
  return etagOf(`${id} ${mark.epoch} ${mark.seq}`)
}

export function systemFolder({ info, uri }: Contents, path: string, rights: Rights = READ): Row {
  const { created, modified } = info
  const isContent = path === 'content'
  return {
    name: path.slice(path.lastIndexOf('/') + 1),
    uri: `${uri}/${path}`,
    type: 'system_dir',
    rights,
    etag: isContent ? stateEtag(info) : etagOf(`${info.id} ${path}`),
    created,
    modified: isContent ? modified : created,
    size: isContent ? info.bytes : 0,
  }
}

export function ownTextRow({ info, meta, uri }: Contents, path: string): Row {
  const { text, modified } = meta[path] ?? { text: DEFAULT_TEXT, modified: info.created }
  return textRow({ info, uri }, path, text, modified, textRights(info))
}

export function fixedRows(
  call: SpaceCall,
  contents: Contents,
): { readonly url: Row; readonly shortname: Row } {
  const { created } = contents.info
  return {
    url: textRow(contents, 'url', urlOf(call), created, READ),
    shortname: textRow(contents, 'shortname', call.space.shortname, created, READ),
  }
}

function textRow(
  { info, uri }: Pick<Contents, 'info' | 'uri'>,
  path: string,
  text: string,
  modified: number,
  rights: Rights,
): Row {
  return {
    name: path.slice(path.lastIndexOf('/') + 1),
    uri: `${uri}/${path}`,
    type: 'system_file',
    rights,
    etag: etagOf(text),
    created: info.created,
    modified,
    size: Buffer.byteLength(text),
  }
}

/** The journal's row: it grows with every change. */
export function changesRow({ info, uri }: Contents): Row {
  const { created, modified } = info
  return {
    name: 'changes',
    uri: `${uri}/changes`,
    type: 'system_file',
    rights: READ,
    etag: stateEtag(info),
    created,
    modified,
    size: 0,
  }
}
