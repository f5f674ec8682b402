/** Serves the kernel's requests to one mount from a FileSystem. */
import type { Log } from '../../../src/log.js'
import type { FileSystem } from '../../filesystem.js'
import { type Deferred, deferred } from '../deferred.js'
import { errnoNumber } from '../errno.js'
import { initAnswer } from '../protocol/init.js'
import { Opcode } from '../protocol/opcodes.js'
import { HEADER_BYTES, KernelRequest } from '../protocol/request.js'
import type { Requests } from '../requests.js'
import type { Ownership } from '../stat.js'
import { Answers } from './answers.js'
import { attributeHandlers } from './attribute-handlers.js'
import { Calls, type Handler } from './calls.js'
import { Device } from './device.js'
import { fileHandlers } from './file-handlers.js'
import { folderHandlers } from './folder-handlers.js'
import { nameHandlers } from './name-handlers.js'
import { NodeTable } from './node-table.js'

export interface ServerParts {
  /** Of /dev/fuse, from which nobody has read yet. */
  readonly descriptor: number
  readonly fs: FileSystem
  readonly owner: Ownership
  /** How long the kernel may believe names and attributes. */
  readonly cacheSeconds: number
  readonly requests: Requests
  readonly beforeOpen: (path: string) => Promise<unknown> | undefined
  readonly log: Log
}

export class Server {
  readonly table = new NodeTable()
  /** Resolves when the kernel has said its first word and takes ours; rejects when it does not. */
  readonly ready: Promise<void>
  /** Resolves when the mount has gone. */
  readonly ended: Promise<void>
  readonly #ended: Deferred
  readonly #device: Device
  readonly #answers: Answers
  readonly #handlers: readonly (Handler | undefined)[]
  #keepsPages = true
  #begun: (problem?: Error) => void = () => {}

  constructor({ descriptor, fs, owner, cacheSeconds, requests, beforeOpen, log }: ServerParts) {
    this.#ended = deferred()
    this.ended = this.#ended.promise
    this.ready = new Promise((resolve, reject) => {
      this.#begun = (problem) => (problem ? reject(problem) : resolve())
    })
    this.#device = new Device(descriptor, {
      request: (bytes) => this.#serve(bytes),
      ended: () => {
        this.#begun(new Error('The mount has gone before it was ready.'))
        this.#ended.resolve()
      },
      refused: (error) => log.error(`The kernel took an answer for none: ${error.message}`),
    })
    this.#answers = new Answers(this.#device, owner, cacheSeconds)
    const calls = new Calls({ fs, table: this.table, answers: this.#answers, requests, log })
    const handlers = {
      ...nameHandlers(calls),
      ...attributeHandlers(calls),
      ...fileHandlers({ calls, device: this.#device, beforeOpen, keepsPages: () => this.#keepsPages }),
      ...folderHandlers(calls),
      ...this.#ownHandlers(),
    }
    this.#handlers = Array.from(
      { length: Math.max(...Object.values(Opcode)) + 1 },
      (_, code) => handlers[code],
    )
  }

  start(): void {
    this.#device.start()
  }

  /** The kernel can no longer be told of changes: it shall ask often, and keep no pages. */
  distrust(cacheSeconds: number): void {
    this.#answers.seconds = Math.min(this.#answers.seconds, cacheSeconds)
    this.#keepsPages = false
  }

  /** Ends the mount's connection, whoever still uses it. */
  close(): void {
    this.#device.close()
  }

  #serve(bytes: Buffer): void {
    if (bytes.length < HEADER_BYTES) return
    const request = new KernelRequest(bytes)
    const handler = this.#handlers[request.opcode]
    // To an interrupt as well, at which the kernel sends none any more: what is asked is answered in any case.
    if (!handler) this.#answers.error(request.unique, errnoNumber('ENOSYS'))
    else handler(request)
  }

  #ownHandlers(): Readonly<Record<number, Handler>> {
    const { table } = this
    return {
      [Opcode.INIT]: (request) => this.#init(request),
      [Opcode.DESTROY]: ({ unique }) => void this.#answers.empty(unique),
      [Opcode.FORGET]: (request) => table.forget(request.node, request.long(0)),
      [Opcode.BATCH_FORGET]: (request) => {
        const count = request.word(0)
        for (let i = 0; i < count; i++) table.forget(request.long(8 + 16 * i), request.long(16 + 16 * i))
      },
      [Opcode.NOTIFY_REPLY]: () => {},
    }
  }

  #init(request: KernelRequest): void {
    const answer = initAnswer(request)
    if (answer) {
      this.#answers.bytes(request.unique, answer, answer.length)
      this.#begun()
    } else {
      this.#answers.error(request.unique, errnoNumber('EIO'))
      this.#begun(new Error('This kernel speaks another version of FUSE: Linux 4.20 or newer is needed.'))
    }
  }
}
