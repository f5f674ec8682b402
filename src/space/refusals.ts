import type { Refusal } from './engine.js'
import { type ErrorCode, SpaceError } from './errors.js'
import { quote } from './quote.js'
import type { Limits, Location } from './types.js'

/** What the message of a refusal is about. */
export interface Subject {
  readonly at?: Location
  /** The destination of a move. */
  readonly to?: Location
  readonly limits?: Limits
  /** Bytes of the file to be written. */
  readonly size?: number
}

/** Turns a script's refusal into an error whose message names the input. */
export function refusalError([code, ...facts]: Refusal, subject: Subject = {}): SpaceError {
  const path = named(subject.to ?? subject.at)
  const fact = (index: number) => String(facts[index] ?? '')
  const say = (errorCode: ErrorCode, message: string, details = {}) =>
    new SpaceError(errorCode, message, details)
  switch (code) {
    case 'NOT_FOUND':
      return say('NOT_FOUND', missing(fact(0), subject), { missing: fact(0) })
    case 'READ_ONLY':
      return say('READ_ONLY', `You can read this space, but not change it: ${path} stays as it is.`)
    case 'NOT_ALLOWED':
      return fact(0) === 'root'
        ? say('NOT_ALLOWED', 'The root of a space cannot be moved, changed or deleted.')
        : say('NOT_ALLOWED', 'Only the owner of a space may change the space itself.')
    case 'PRECONDITION_FAILED':
      return say(
        'PRECONDITION_FAILED',
        `The precondition ${fact(0)} does not hold for ${fact(0) === 'If-None-Match' ? path : named(subject.at)}.`,
      )
    case 'TYPE_CLASH':
      return say(
        'TYPE_CLASH',
        fact(0) === 'folder' ? `${path} is a folder.` : `${quote(fact(1))} is a file, not a folder.`,
      )
    case 'NO_PARENT':
      return say('NO_PARENT', `The folder that should hold ${path} does not exist.`)
    case 'NOT_EMPTY':
      return say(
        'NOT_EMPTY',
        `The folder ${path} is not empty: it holds ${fact(0)} entries. Say recursive=true to delete them all.`,
      )
    case 'FOLDER_EXISTS':
      return say('FOLDER_EXISTS', `The destination ${path} is a folder, and a folder is never overwritten.`)
    case 'INTO_ITSELF':
      return fact(0) === 'held'
        ? say('INTO_ITSELF', `${path} holds ${named(subject.at)}, which therefore cannot replace it.`)
        : say('INTO_ITSELF', `${named(subject.at)} cannot move into itself, to ${path}.`)
    case 'BAD_PATH':
      return fact(0) === 'levels'
        ? say('BAD_PATH', `At ${path} the path would be ${fact(1)} levels deep; the limit is 64.`)
        : say('BAD_PATH', `At ${path} the path would be ${fact(1)} bytes long; the limit is 1024.`)
    case 'FILE_TOO_LARGE':
      return say(
        'FILE_TOO_LARGE',
        `${path} is ${subject.size} bytes; the plan of the space’s owner allows ${subject.limits?.fileBytes} bytes a file.`,
        { limit: subject.limits?.fileBytes },
      )
    case 'SPACE_FULL':
      return say(
        'SPACE_FULL',
        `${path} does not fit: the space holds ${fact(0)} of ${subject.limits?.spaceBytes} bytes.`,
        { limit: subject.limits?.spaceBytes },
      )
    case 'TOO_MANY_ENTRIES':
      return say(
        'TOO_MANY_ENTRIES',
        `${path} does not fit: a space holds at most ${subject.limits?.entries} files and folders.`,
        { limit: subject.limits?.entries },
      )
    case 'LOCKED':
      return say(
        'LOCKED',
        `${quote(`/${fact(1)}`)} is locked, and the lock’s token was not submitted with this request.`,
        {
          token: fact(0),
          path: fact(1),
          holder: fact(2),
        },
      )
    case 'LOCK_UNKNOWN':
      return say('LOCK_UNKNOWN', `The lock token ${quote(fact(0))} is none of yours that covers ${path}.`)
    case 'TOO_MANY_LOCKS':
      return say('BAD_REQUEST', `The space has ${fact(0)} locks already, and may not have more.`)
    case 'TOO_MANY_PROPERTIES':
      return say('BAD_REQUEST', `${path} would have ${fact(0)} bytes of properties; the limit is 65536.`)
    case 'USED':
      return say('USED', `This URL was used already: it is good for one upload of ${path}.`)
    case 'KEY_REUSED':
      return say('BAD_REQUEST', 'This Idempotency-Key was used within the hour for another request.')
    case 'BUSY':
    case 'BOUNDS':
    case 'STALE_COPY':
      return say('BUSY', `${path} is being changed or moved between servers; try again.`)
    default:
      return say('CORRUPT', `The store answered ${quote(code)}.`)
  }
}

function named(at: Location | undefined): string {
  if (!at) return 'The space'
  if (at.path.names.length === 0) return at.base === undefined ? 'The root' : `The folder with id ${at.base}`
  return quote(at.path.names.join('/'))
}

function missing(what: string, subject: Subject): string {
  if (what === 'space') return 'There is no such space.'
  if (what === 'base') return `There is no folder with id ${subject.at?.base ?? subject.to?.base}.`
  return `${named(subject.at)} does not exist.`
}
