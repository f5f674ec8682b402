import { join } from 'node:path'
import test from 'ava'
import { Content } from '../../mount/engine/content.js'
import { IntentLog } from '../../mount/engine/intents.js'
import { FileNode } from '../../mount/engine/nodes.js'
import { SendQueue } from '../../mount/engine/queue.js'
import type { Sender } from '../../mount/engine/sender.js'
import { silentLog } from '../../src/log.js'
import { SpaceError } from '../../src/space/errors.js'
import { tempFolder } from '../support/folder.js'
import { overriding } from '../support/overriding.js'

/** Whoever writes back: what waits to be sent is let go of, whatever becomes of it. */

for (const [what, end] of [
  ['arrives', (sent: PromiseWithResolvers) => sent.resolve()],
  ['is refused', (sent: PromiseWithResolvers) => sent.reject(new Error('no'))],
] as const) {
  test(`a file that is unlinked while it is sent, and ${what}, is let go of behind that`, async (t) => {
    const sent = withResolvers()
    let begun = () => {}
    const sending = new Promise<void>((resolve) => {
      begun = resolve
    })
    const send = () => {
      begun()
      return sent.promise
    }
    let idle = () => {}
    const letGo = new Promise<FileNode>((resolve) => {
      idle = () => resolve(node)
    })
    const intents = new IntentLog(join(tempFolder(t), 'intents.log'))
    const queue = new SendQueue({ send } as unknown as Sender, intents, silentLog, () => idle())
    const node = new FileNode('a', 0)
    node.content = new Content(undefined)
    queue.add(node, { base: 0, name: 'a', path: 'a', work: 'w', key: 'k', modified: 0, barrier: true })
    await sending
    queue.forget(node)
    end(sent)
    t.is(await letGo, node)
    await queue.close(0)
  })
}

test('an attempt that a full disk does not let be written down is made again all the same', async (t) => {
  const log = new IntentLog(join(tempFolder(t), 'intents.log'))
  const attempted = () => {
    throw new Error('no space left on device')
  }
  let attempts = 0
  const send = async (node: FileNode) => {
    attempts += 1
    node.attempts.add('0'.repeat(32))
    if (attempts === 1) throw new SpaceError('UNAVAILABLE', 'The server is away.')
  }
  const intents = overriding(log, { attempted })
  const queue = new SendQueue({ send } as unknown as Sender, intents, silentLog, () => {})
  const node = new FileNode('a', 0)
  node.content = new Content(undefined)
  queue.add(node, { base: 0, name: 'a', path: 'a', work: 'w', key: 'k', modified: 0, barrier: true })
  await t.throwsAsync(queue.sent(node), { message: 'The server is away.' })
  await queue.sent(node)
  t.is(attempts, 2)
  await queue.close(0)
})

interface PromiseWithResolvers {
  readonly promise: Promise<void>
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

function withResolvers(): PromiseWithResolvers {
  let resolve = () => {}
  let reject: (error: Error) => void = () => {}
  const promise = new Promise<void>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}
