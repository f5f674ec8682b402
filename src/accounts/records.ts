import type { ScriptReply } from '../redis/scripts.js'
import type { PlanTable } from './plans.js'
import { list, text } from './slot.js'
import type { Account, PlanName } from './types.js'

/** Reads what `_account_row.lua` writes. */
export function decodeAccount(reply: ScriptReply, plans: PlanTable): Account {
  return accountOf(list(reply).map(text), plans)
}

/** The same of its texts. */
export function accountOf(row: readonly string[], plans: PlanTable): Account {
  const [name, email, plan, spaces, isPublic, created, id] = row
  return {
    id: id as string,
    name: name as string,
    email: email as string,
    plan: plans[plan as PlanName],
    spacesEnabled: spaces === '1',
    public: isPublic === '1',
    created: Number(created),
  }
}

/** A flat reply as rows of `width` texts. */
export function rows(reply: ScriptReply, width: number): string[][] {
  const values = list(reply).map(text)
  const result: string[][] = []
  for (let i = 0; i < values.length; i += width) result.push(values.slice(i, i + width))
  return result
}
