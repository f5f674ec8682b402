/** How a request becomes a call of the FileSystem, and its end an answer: exactly one, whatever the FileSystem does. */
import type { Log } from '../../../src/log.js'
import { type Awaitable, type FileSystem, FileSystemError } from '../../filesystem.js'
import { errnoNumber, errnoOf } from '../errno.js'
import type { KernelRequest } from '../protocol/request.js'
import type { Request, Requests } from '../requests.js'
import type { Answers } from './answers.js'
import type { KernelNode, NodeTable } from './node-table.js'

export interface Call<T> {
  /** For the log. */
  readonly what: string
  readonly unique: number
  readonly node: KernelNode
  /** Of an entry in the node. */
  readonly name?: string
  /** By which it is asked. */
  readonly handle?: number | undefined
  /** `handle`: the one given, or one of a node that has no name any more; `path` is then what it was called. */
  work(path: string, handle: number | undefined): Awaitable<T>
  /** Answers. False: nobody took it. */
  send(value: T): boolean
  /** Of what nobody took, or what came after another answer was given. */
  undo?(value: T): Awaitable<void>
  /** How long it takes only the FileSystem can say: bytes go to a buffer, or out. */
  readonly isUnbounded?: boolean
}

export interface CallsParts {
  readonly fs: FileSystem
  readonly table: NodeTable
  readonly answers: Answers
  readonly requests: Requests
  readonly log: Log
}

export class Calls {
  readonly fs: FileSystem
  readonly table: NodeTable
  readonly answers: Answers

  constructor(private readonly parts: CallsParts) {
    this.fs = parts.fs
    this.table = parts.table
    this.answers = parts.answers
  }

  /** The node of a request; undefined where there is no such, which is then answered. */
  nodeOf(request: KernelRequest, id = request.node): KernelNode | undefined {
    const node = this.table.get(id)
    if (!node) this.answers.error(request.unique, errnoNumber('ESTALE'))
    return node
  }

  serve<T>(call: Call<T>): void {
    const { node, name } = call
    let { handle } = call
    let path = this.#pathOf(call)
    if (path === undefined && name === undefined) {
      if (handle === undefined) [handle] = node.handles
      if (handle !== undefined) path = `/${node.name}`
    }
    if (path === undefined) {
      this.answers.error(call.unique, errnoNumber('ESTALE'))
      return
    }
    try {
      const result = call.work(path, handle)
      if (result instanceof Promise) this.#wait(call, path, result)
      else this.#done(call, result)
    } catch (error) {
      this.#failed(call, path, error)
    }
  }

  #wait<T>(call: Call<T>, path: string, result: Promise<T>): void {
    const { requests } = this.parts
    const request = requests.begin(path, call.isUnbounded ? undefined : () => this.#expire(call, request))
    result.then(
      (value) => {
        if (requests.end(request)) this.#done(call, value)
        else this.#undo(call, value)
      },
      (error) => {
        if (requests.end(request)) this.#failed(call, path, error)
      },
    )
  }

  #done<T>(call: Call<T>, value: T): void {
    if (!call.send(value)) this.#undo(call, value)
  }

  #failed<T>(call: Call<T>, path: string, error: unknown): void {
    if (!(error instanceof FileSystemError)) this.parts.log.error(`${call.what} ${path}: ${stack(error)}`)
    // It was looked for where it no longer is: the kernel shall look it up again.
    const isMoved =
      error instanceof FileSystemError && error.errno === 'ENOENT' && this.#pathOf(call) !== path
    this.answers.error(call.unique, isMoved ? errnoNumber('ESTALE') : errnoOf(error))
  }

  #expire<T>(call: Call<T>, request: Request): void {
    if (!this.parts.requests.end(request)) return
    this.parts.log.error(`${call.what} ${request.path} was given up: it has not been answered in time.`)
    this.answers.error(call.unique, errnoNumber('ETIMEDOUT'))
  }

  async #undo<T>(call: Call<T>, value: T): Promise<void> {
    try {
      await call.undo?.(value)
    } catch (error) {
      this.parts.log.error(`${call.what}, which nobody waits for, could not be taken back: ${String(error)}`)
    }
  }

  #pathOf<T>({ node, name }: Call<T>): string | undefined {
    return name === undefined ? this.table.pathOf(node) : this.table.pathIn(node, name)
  }
}

/** Goes on at once where the value is there. */
export function after<T, U>(value: Awaitable<T>, next: (value: T) => Awaitable<U>): Awaitable<U> {
  return value instanceof Promise ? value.then(next) : next(value)
}

export type Handler = (request: KernelRequest) => void

/** By `Opcode`. */
export type Handlers = Readonly<Record<number, Handler>>

function stack(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
