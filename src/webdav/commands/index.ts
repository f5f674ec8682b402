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
import { copy, move } from './transfer.js'
import { unlock } from './unlock.js'

export const COMMANDS: Readonly<Record<string, Command>> = {
  COPY: ofEntry(copy),
  DELETE: ofEntry(remove),
  GET: get,
  HEAD: get,
  LOCK: ofEntry(lock),
  MKCOL: ofEntry(mkcol),
  MOVE: ofEntry(move),
  OPTIONS: options,
  PROPFIND: propfind,
  PROPPATCH: ofEntry(proppatch),
  PUT: ofEntry(put),
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

/** A command on something in a space; above the spaces nothing can be made, changed or removed (contract §9). */
function ofEntry(command: (call: EntryCall) => Promise<Answer>): Command {
  return async (call) => {
    const { target, req } = call
    if (target.kind !== 'space') {
      throw new DavError(
        403,
        `${req.method} is refused at ${target.href}: only in spaces can things be changed.`,
      )
    }
    return command(await withIf(entryCall(call, target)))
  }
}
