import type { Measurement } from './measure.js'

export interface GroupOptions {
  /** Leave out what takes minutes. */
  readonly quick: boolean
}

/** What a group hands to the runner: measurements one after the other, and remarks about what could not be measured. */
export type Group = (options: GroupOptions) => AsyncGenerator<Measurement | string>
