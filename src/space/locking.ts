import { fingerprint, operationId, placeArgs, refuse } from './changing.js'
import type { Answer, Engine } from './engine.js'
import { SpaceError } from './errors.js'
import type { LockRequest } from './operations.js'
import type { Location, Lock, OpContext } from './types.js'

/** Write locks (RFC 4918 §6, §7); what they bind is checked by every changing script (scripts/_locks.lua). */

/** Contract §9. */
const LONGEST_MS = 3_600_000
const SHARED = 1
const INFINITE = 2

export function lock(engine: Engine, op: OpContext, at: Location, request: LockRequest): Promise<Lock> {
  const { token, scope, depth, owner } = request
  const args = [token, scope === 'shared' ? 1 : 0, depth === 0 ? 0 : 1, lasting(request.timeoutMs), owner]
  return change(engine, op, at, 'lock', args, (answer) => one(answer[3] as readonly Buffer[]))
}

export function refreshLock(
  engine: Engine,
  op: OpContext,
  at: Location,
  token: string,
  timeoutMs: number,
): Promise<Lock> {
  const args = [token, lasting(timeoutMs), 0]
  return change(engine, op, at, 'unlock', args, (answer) => one(answer[3] as readonly Buffer[]))
}

export function unlock(engine: Engine, op: OpContext, at: Location, token: string): Promise<void> {
  return change(engine, op, at, 'unlock', [token, '', 0], () => undefined)
}

/** Token, packed lock and path in turn, as scripts describe locks. */
export function decodeLocks(flat: readonly Buffer[]): Lock[] {
  const locks: Lock[] = []
  for (let at = 0; at < flat.length; at += 3) locks.push(one(flat.slice(at, at + 3)))
  return locks
}

function one([token, raw, path]: readonly Buffer[]): Lock {
  if (!token || !raw || !path) throw new SpaceError('CORRUPT', 'The store answered half a lock.')
  const flags = raw[20] as number
  const accountEnd = 22 + (raw[21] as number)
  const ownerAt = accountEnd + 2 + raw.readUInt16BE(accountEnd)
  return {
    token: token.toString(),
    path: path.toString(),
    scope: flags & SHARED ? 'shared' : 'exclusive',
    depth: flags & INFINITE ? 'infinity' : 0,
    accountId: raw.toString('utf8', 22, accountEnd),
    owner: raw.toString('utf8', ownerAt),
    expires: raw.readUIntBE(10, 6),
    timeout: raw.readUInt32BE(16),
  }
}

function lasting(timeoutMs: number): number {
  return Math.max(1000, Math.min(LONGEST_MS, Math.floor(timeoutMs)))
}

function change<T>(
  engine: Engine,
  op: OpContext,
  at: Location,
  script: string,
  args: readonly (string | number)[],
  decode: (answer: Answer) => T,
): Promise<T> {
  const change = {
    script,
    id: operationId(),
    fingerprint: fingerprint(script, at),
    args: [...placeArgs(at).slice(0, 2), ...args],
    refuse: refuse({ at }),
    decode,
  }
  return engine.change(op, () => change)
}
