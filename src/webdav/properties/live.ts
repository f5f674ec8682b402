/** Properties that the server knows by itself (RFC 4918 §15 and its kin), each as the element that says it. */
import { httpDate, isoDate } from '../../http/dates.js'
import type { Entry, JournalMark, Lock } from '../../space/types.js'
import { lockDiscovery, locksOn, SUPPORTED_LOCK } from '../locks.js'
import { syncToken } from '../sync/token.js'
import { DAV } from '../xml/element.js'
import { escapeText } from '../xml/escape.js'

/** What properties need to know besides the entry. */
export interface View {
  /** Root of the space as the client spells it. */
  readonly spaceHref: string
  /** What the root is called. */
  readonly spaceName: string
  /** All locks of the space. */
  readonly locks: readonly Lock[]
  readonly mark: JournalMark
  /** Loaded only where it is asked for. */
  readonly quota?: Quota
}

export interface Quota {
  readonly used: number
  readonly available: number
}

export interface LiveProperty {
  readonly uri: string
  readonly local: string
  /** Undefined where the entry has none. */
  readonly write: (entry: Entry, view: View) => string | undefined
  /** Not part of `allprop`: costs more, or RFC says so. */
  readonly onRequest?: true
  readonly quota?: true
  /** May change while the entry does not. */
  readonly passing?: true
}

export const APACHE = 'http://apache.org/dav/props/'
export const MICROSOFT = 'urn:schemas-microsoft-com:'
const OWNCLOUD = 'http://owncloud.org/ns'

const REPORTS =
  '<D:supported-report-set><D:supported-report><D:report><D:sync-collection/></D:report></D:supported-report>' +
  '</D:supported-report-set>'

const modifiedOf = remembering(httpDate)
const createdOf = remembering(isoDate)

const PROPERTIES: readonly LiveProperty[] = [
  dav('resourcetype', ({ kind }) =>
    kind === 'folder' ? '<D:resourcetype><D:collection/></D:resourcetype>' : '<D:resourcetype/>',
  ),
  dav(
    'displayname',
    ({ name, path }, { spaceName }) =>
      `<D:displayname>${escapeText(path === '' ? spaceName : name)}</D:displayname>`,
  ),
  dav('creationdate', ({ created }) => `<D:creationdate>${createdOf(created)}</D:creationdate>`),
  dav('getlastmodified', ({ modified }) => `<D:getlastmodified>${modifiedOf(modified)}</D:getlastmodified>`),
  dav('getetag', ({ etag }) => `<D:getetag>"${etag}"</D:getetag>`),
  dav('getcontentlength', (entry) =>
    entry.kind === 'file' ? `<D:getcontentlength>${entry.size}</D:getcontentlength>` : undefined,
  ),
  dav('getcontenttype', (entry) =>
    entry.kind === 'file'
      ? `<D:getcontenttype>${escapeText(entry.contentType)}</D:getcontenttype>`
      : undefined,
  ),
  dav('supportedlock', () => SUPPORTED_LOCK),
  {
    ...dav('lockdiscovery', ({ path }, { locks, spaceHref }) =>
      lockDiscovery(locksOn(locks, path), spaceHref),
    ),
    passing: true,
  },
  {
    ...dav('quota-available-bytes', ({ kind }, { quota }) =>
      quota && kind === 'folder'
        ? `<D:quota-available-bytes>${quota.available}</D:quota-available-bytes>`
        : undefined,
    ),
    // RFC 4331 §3: not in allprop.
    onRequest: true,
    quota: true,
    passing: true,
  },
  {
    ...dav('quota-used-bytes', ({ kind }, { quota }) =>
      quota && kind === 'folder' ? `<D:quota-used-bytes>${quota.used}</D:quota-used-bytes>` : undefined,
    ),
    onRequest: true,
    quota: true,
    passing: true,
  },
  {
    ...dav('supported-report-set', ({ kind }) => (kind === 'folder' ? REPORTS : undefined)),
    onRequest: true,
  },
  {
    ...dav('sync-token', ({ kind }, { mark }) =>
      kind === 'folder' ? `<D:sync-token>${syncToken(mark)}</D:sync-token>` : undefined,
    ),
    onRequest: true,
    passing: true,
  },
  other(APACHE, 'executable', (entry) =>
    entry.kind === 'file' ? (entry.executable ? 'T' : 'F') : undefined,
  ),
  other(MICROSOFT, 'Win32LastModifiedTime', ({ modified }) => modifiedOf(modified)),
  other(OWNCLOUD, 'checksums', (entry) =>
    entry.kind === 'file'
      ? `<checksum xmlns="${OWNCLOUD}">MD5:${entry.md5.toUpperCase()}</checksum>`
      : undefined,
  ),
  other(OWNCLOUD, 'fileid', ({ id }) => String(id)),
]

export const LIVE: ReadonlyMap<string, LiveProperty> = new Map(
  PROPERTIES.map((property) => [`{${property.uri}}${property.local}`, property]),
)

function dav(local: string, write: LiveProperty['write']): LiveProperty {
  return { uri: DAV, local, write }
}

/** Of other namespaces, which are for those who ask for them. */
function other(uri: string, local: string, value: LiveProperty['write']): LiveProperty {
  return {
    uri,
    local,
    onRequest: true,
    write: (entry, view) => {
      const content = value(entry, view)
      return content === undefined ? undefined : `<${local} xmlns="${uri}">${content}</${local}>`
    },
  }
}

const MOST_REMEMBERED = 1000

/** Entries made together share their times, which are written in whole seconds. */
function remembering(write: (time: number) => string): (time: number) => string {
  const written = new Map<number, string>()
  return (time) => {
    const second = Math.floor(time / 1000)
    let text = written.get(second)
    if (text === undefined) {
      text = write(second * 1000)
      if (written.size === MOST_REMEMBERED) written.clear()
      written.set(second, text)
    }
    return text
  }
}
