import { SpaceError } from '../space/errors.js'
import type { Plan, PlanName } from './types.js'

/** The seed says "100 MB" and "5 GB"; read as powers of two nobody gets less than either reading promises. */
const MB = 1024 * 1024
const GB = 1024 * MB

const STORAGE = { fileBytes: 100 * MB, spaceBytes: 5 * GB, entries: 1_000_000 }

export type PlanTable = Readonly<Record<PlanName, Plan>>

/** Seed 002, "Limits". */
export const PLANS: PlanTable = {
  free: { name: 'free', spaces: 1, ...STORAGE },
  basic: { name: 'basic', spaces: 5, ...STORAGE },
  premium: { name: 'premium', spaces: 20, ...STORAGE },
  enterprise: { name: 'enterprise', spaces: 20, ...STORAGE },
}

export const PLAN_NAMES = Object.keys(PLANS) as readonly PlanName[]

const LIMIT_NAMES = ['spaces', 'fileBytes', 'spaceBytes', 'entries'] as const

export type PlanOverrides = Readonly<
  Partial<Record<PlanName, Readonly<Partial<Record<(typeof LIMIT_NAMES)[number], number>>>>>
>

/** The table with some limits set otherwise, for operators with other disks and for tests with small quotas. */
export function planTable(overrides: PlanOverrides = {}): PlanTable {
  const table: Record<PlanName, Plan> = { ...PLANS }
  for (const name of PLAN_NAMES) table[name] = { ...PLANS[name], ...overrides[name], name }
  return table
}

/**
 * Overrides as an operator writes them: JSON such as `{"free":{"spaces":2,"spaceBytes":1000000}}`. Rejects unknown plans,
 * unknown limits and values that are not whole numbers ≥ 0 (BAD_REQUEST).
 */
export function parsePlanOverrides(json: string): PlanOverrides {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch (cause) {
    throw new SpaceError('BAD_REQUEST', `The plan limits are not valid JSON: ${json}`, {}, { cause })
  }
  if (!isObject(value)) {
    throw new SpaceError('BAD_REQUEST', `The plan limits must be a JSON object of plans, not ${json}`)
  }
  for (const [plan, limits] of Object.entries(value)) {
    parsePlanName(plan)
    if (!isObject(limits))
      throw new SpaceError('BAD_REQUEST', `The limits of plan '${plan}' must be an object.`)
    for (const [limit, amount] of Object.entries(limits)) checkLimit(plan, limit, amount)
  }
  return value as PlanOverrides
}

/** BAD_REQUEST where no plan has that name. */
export function parsePlanName(text: string): PlanName {
  const name = PLAN_NAMES.find((known) => known === text)
  if (name) return name
  throw new SpaceError('BAD_REQUEST', `'${text}' is not a plan; the plans are ${PLAN_NAMES.join(', ')}.`)
}

function checkLimit(plan: string, limit: string, amount: unknown): void {
  if (!LIMIT_NAMES.some((known) => known === limit)) {
    throw new SpaceError(
      'BAD_REQUEST',
      `'${limit}' is not a limit of plan '${plan}'; the limits are ${LIMIT_NAMES.join(', ')}.`,
    )
  }
  if (typeof amount !== 'number' || !Number.isSafeInteger(amount) || amount < 0) {
    throw new SpaceError(
      'BAD_REQUEST',
      `The limit '${limit}' of plan '${plan}' must be a whole number of at least 0, not ${JSON.stringify(amount)}.`,
    )
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
