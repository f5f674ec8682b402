/** Every command of the drive, by its method (RFC 4918 §9). What the package brought is all replaced by these. */

import type { Answer } from '../../http/answer.js'
import { SpaceError } from '../../space/errors.js'
import { quote } from '../../space/quote.js'
import { type Command, type DavCall, type EntryCall, entryCall } from '../call.js'
import { DavError } from '../errors.js'
import { withIf } from '../if-check.js'
import { get } from './get.js'
import { lock } from './lock.js'
import { mkcol } from './mkcol.js'
import { ALL, options } from './options.js'
import { propfind } from './propfind.js'
import { proppatch } from './proppatch.js'
import { put } from './put.js'
import { remove } from './remove.js'
import { report } from './report.js'
import { copy, move } from './transfer.js'
import { unlock } from './unlock.js'

export const COMMANDS: Readonly<Record<string, Command>> = {
  COPY: ofEntry(copy),
  DELETE: inSpace(remove),
  GET: get,
  HEAD: get,
  LOCK: ofEntry(lock),
  MKCOL: inSpace(mkcol),
  MOVE: inSpace(move),
  OPTIONS: options,
  PROPFIND: propfind,
  PROPPATCH: ofEntry(proppatch),
  PUT: inSpace(put),
  REPORT: ofEntry(report),
  UNLOCK: ofEntry(unlock),
}

/** Any other method. */
export async function notAllowed({ req, target }: DavCall): Promise<Answer> {
  const allow = ['HEAD', ...ALL].join(', ')
  throw new SpaceError(
    'METHOD_NOT_ALLOWED',
    `${quote(target.href)} does not take ${req.method}; it takes ${allow}.`,
    { allow },
  )
}

/** A command on an entry of a space, or on its root. */
function ofEntry(command: (call: EntryCall) => Promise<Answer>): Command {
  return async (call) => {
    const { target } = call
    if (target.kind !== 'space') throw topIsFixed(call)
    return command(await withIf(entryCall(call, target)))
  }
}

/** A command that would make, replace or remove a whole space at its root. */
function inSpace(command: (call: EntryCall) => Promise<Answer>): Command {
  const run = ofEntry(command)
  return async (call) => {
    if (call.target.kind === 'space' && call.target.path.names.length === 0) throw topIsFixed(call)
    return run(call)
  }
}

/** Contract §9. */
function topIsFixed({ req, target }: DavCall): DavError {
  return new DavError(
    403,
    `${req.method} is refused at ${quote(target.href)}: spaces are neither made nor changed nor removed in the drive.`,
  )
}
