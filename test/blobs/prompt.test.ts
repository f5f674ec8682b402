import { closeSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { PromptCalls } from '../../src/blobs/local/prompt.js'
import { tempFolder } from '../support/folder.js'

/** Renames a file there and back; each takes as long as it is told, by a clock of its own. */
function renaming(t: ExecutionContext) {
  let clock = 1_000_000
  let takes = 0
  let isCall = false
  const prompt = new PromptCalls(() => {
    // Every second look at the clock is the end of a call.
    if (isCall) clock += takes
    isCall = !isCall
    return clock
  })
  const folder = tempFolder(t)
  const [here, there] = [join(folder, 'here'), join(folder, 'there')]
  closeSync(prompt.open(here, 'wx', 0o600) as number)
  let turn = 0
  return {
    pass: (ms: number) => {
      clock += ms
    },
    /** Whether it was done on the spot. */
    call: async (ms: number): Promise<boolean> => {
      takes = ms
      const result = turn++ % 2 === 0 ? prompt.rename(here, there) : prompt.rename(there, here)
      const isPrompt = !(result instanceof Promise)
      // Left to the pool: the clock is looked at once.
      if (!isPrompt) isCall = false
      await result
      return isPrompt
    },
  }
}

test('calls are made on the spot as long as they are quick, or slow now and then', async (t) => {
  const { call, pass } = renaming(t)
  for (let n = 0; n < 50; n++) t.true(await call(1.5))
  for (let n = 0; n < 20; n++) {
    t.true(await call(4))
    pass(100)
  }
})

test('after a long one, or many that are slow, the thread pool takes over for a second', async (t) => {
  for (const slow of [[100], [6, 6, 6, 6], [3, 3, 3, 3, 3, 3, 3]]) {
    const { call, pass } = renaming(t)
    for (const ms of slow) t.true(await call(ms))
    t.false(await call(0), `${slow}`)
    pass(900)
    t.false(await call(0))
    pass(200)
    t.true(await call(0))
  }
})
