/** OPTIONS: 200 on any path, what this caller may do there (contract §1). */
import { type Answer, jsonAnswer } from './answer.js'
import type { Rights } from './rights.js'

export function optionsAnswer({ actions, permissions }: Rights, headers: readonly string[] = []): Answer {
  return jsonAnswer(200, { actions, permissions }, ['Allow', allowed(actions), ...headers])
}

/** Verbs for an `Allow` header: HEAD comes with GET. */
export function allowed(actions: readonly string[]): string {
  return actions.flatMap((verb) => (verb === 'GET' ? ['GET', 'HEAD'] : [verb])).join(', ')
}
