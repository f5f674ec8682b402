/** Members of the JSON bodies of invitations. */
import { SpaceError } from '../../space/errors.js'
import { quote } from '../../space/quote.js'

type Body = Readonly<Record<string, unknown>>

/** BAD_REQUEST where it is absent or no string. */
export function requiredString(body: Body, member: string): string {
  const value = optionalString(body, member)
  if (value === undefined) throw new SpaceError('BAD_REQUEST', `The body must have a string in "${member}".`)
  return value
}

/** null is as good as absent. BAD_REQUEST where it is anything but a string. */
export function optionalString(body: Body, member: string): string | undefined {
  const value = body[member] ?? undefined
  if (value === undefined || typeof value === 'string') return value
  throw wrong(member, 'a string', value)
}

/** null is as good as absent. BAD_REQUEST where it is anything but a number. */
export function optionalNumber(body: Body, member: string): number | undefined {
  const value = body[member] ?? undefined
  if (value === undefined || typeof value === 'number') return value
  throw wrong(member, 'a number', value)
}

function wrong(member: string, kind: string, value: unknown): SpaceError {
  const shown = quote(JSON.stringify(value))
  return new SpaceError('BAD_REQUEST', `"${member}" in the body must be ${kind}, not ${shown}.`)
}
