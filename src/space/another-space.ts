import { SpaceError } from './errors.js'
import type { OpContext } from './types.js'

/** Nothing was done: the name asked for is another space's now than was presumed. `op`: the same operation, there. */
export class AnotherSpace extends SpaceError {
  constructor(readonly op: OpContext) {
    super('BUSY', 'Another space has this name now than a moment ago; try again.')
  }
}

/** Runs a change that brings nothing of the space it was to be made in; where the name is another one's now, once more there. */
export async function whereItIs<T>(op: OpContext, change: (op: OpContext) => Promise<T>): Promise<T> {
  try {
    return await change(op)
  } catch (error) {
    if (error instanceof AnotherSpace) return change(error.op)
    throw error
  }
}
