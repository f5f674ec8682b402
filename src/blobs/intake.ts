import type { Readable } from 'node:stream'
import { SpaceError } from '../space/errors.js'
import { type BodyHash, bodyHash, type Digests } from './hashing.js'
import { MemoryShare } from './share.js'
import type { PutOptions } from './store.js'

/**
 * A batch goes out once it has this many bytes; the next one gathers while it is written. Small ones are slower by a
 * tenth, but large ones outlive the garbage collector's young generation and pile up when many upload at once.
 */
const batches = new MemoryShare(6 * 1024 * 1024, 128 * 1024, 512 * 1024)

/**
 * The receiving half of every `BlobStore.put`: takes a body in, counts, hashes, enforces limit and announced length,
 * and hands out batches of chunks, one after another, uncopied. While the consumer writes a batch the next one gathers, as
 * soon as whoever hashes has taken in the one before; then the body is paused. So an upload holds at most two batches.
 *
 * The body is never destroyed here: an HTTP request that was refused still has an answer to carry. After an error or
 * `close()` it is paused and detached, with a listener left that swallows late errors; whoever made it drains or
 * destroys it.
 *
 * Raises FILE_TOO_LARGE from the constructor when `length` is over `limit`, from `next()` as soon as more came;
 * BODY_BROKEN from `next()` when the body fails, ends early, is longer than announced, or `signal` aborts; UNAVAILABLE
 * from `next()` and `digests()` when hashing fails.
 */
export class Intake {
  /** Bytes received so far. */
  size = 0
  readonly #options: PutOptions
  readonly #hash: BodyHash
  /** Until then the next batch must not gather. */
  #hashed: Promise<void> | undefined
  #close = () => {}
  #resume = () => {}
  #pause = () => {}
  #leave = () => {}
  #chunks: Uint8Array[] = []
  #gathered = 0
  /** The body is paused until the batch is taken. */
  #full = false
  /** The body has come to its end. */
  ended = false
  #failure: SpaceError | undefined
  #wake: (() => void) | undefined

  constructor(body: Readable | Uint8Array, options: PutOptions) {
    this.#options = options
    const { limit, length } = options
    const announced = body instanceof Uint8Array ? body.byteLength : length
    if (announced !== undefined && announced > limit)
      throw tooLarge(limit, `The body has ${announced} bytes, which is`)
    this.#hash = bodyHash(options.digests ?? [], announced)
    this.#leave = batches.enter()
    if (body instanceof Uint8Array) {
      this.#receive(body)
      this.#end()
    } else {
      this.#pause = () => body.pause()
      this.#resume = () => body.resume()
      this.#close = this.#listen(body)
    }
    if (options.signal?.aborted) this.#abort(options.signal)
  }

  /** The next batch, or undefined after the last one. An empty body has no batch. */
  async next(): Promise<readonly Uint8Array[] | undefined> {
    while (this.#failure === undefined && !this.ended && !this.#full) {
      await new Promise<void>((wake) => {
        this.#wake = wake
      })
    }
    if (this.#failure !== undefined) throw this.#failure
    if (this.#chunks.length === 0) return undefined
    const batch = this.#chunks
    this.#chunks = []
    this.#gathered = 0
    this.#full = false
    if (this.#hashed) this.#hashed.then(this.#goOn, () => {})
    else this.#goOn()
    return batch
  }

  /** Finishes the digests (md5 and those asked for), lower-case hex. Once, after the last batch. */
  digests(): Digests | Promise<Digests> {
    return this.#hash.digests()
  }

  /** Lets go of the body. Safe to repeat. */
  close(): void {
    this.#close()
    this.#hash.close()
    this.#leave()
    this.#chunks = []
  }

  /** Attaches to the body; returns how to detach. */
  #listen(body: Readable): () => void {
    const { signal } = this.#options
    const onData = (chunk: Uint8Array | string) =>
      this.#receive(typeof chunk === 'string' ? Buffer.from(chunk) : chunk)
    const onEnd = () => this.#end()
    const onError = (cause: unknown) => this.#break('failed', cause)
    const onClose = () => this.#break('was cut off')
    const onAbort = () => signal && this.#abort(signal)
    if (body.readableEnded || body.destroyed) {
      if (body.readableEnded && this.#options.length === 0) this.ended = true
      else this.#break(body.readableEnded ? 'had been read before' : 'was cut off', body.errored)
      return () => {}
    }
    body.on('error', onError).on('end', onEnd).on('close', onClose).on('data', onData)
    // Whoever checked the request first may have paused it.
    body.resume()
    signal?.addEventListener('abort', onAbort)
    let attached = true
    return () => {
      if (!attached) return
      attached = false
      this.#resume = () => {}
      body.off('data', onData).off('end', onEnd).off('close', onClose)
      signal?.removeEventListener('abort', onAbort)
      if (!body.readableEnded && !body.destroyed) body.pause()
      if (!body.readableEnded) body.on('error', () => {})
      body.off('error', onError)
    }
  }

  /** Lets the next batch gather. */
  readonly #goOn = () => {
    if (!this.ended) this.#resume()
  }

  #receive(chunk: Uint8Array): void {
    const { limit, length } = this.#options
    this.size += chunk.byteLength
    if (this.size > limit) {
      this.#fail(tooLarge(limit, 'The body is'))
      return
    }
    if (length !== undefined && this.size > length) {
      const message = `The body is longer than the ${length} bytes that were announced.`
      this.#fail(new SpaceError('BODY_BROKEN', message))
      return
    }
    this.#hash.update(chunk)
    this.#chunks.push(chunk)
    this.#gathered += chunk.byteLength
    if (this.#gathered >= batches.bytes) {
      this.#full = true
      this.#pause()
      this.#flush()
      this.#signal()
    }
  }

  #end(): void {
    const { length } = this.#options
    if (length !== undefined && this.size < length) this.#break('ended')
    this.ended = true
    this.#flush()
    this.#signal()
  }

  /** What came so far is to be hashed. */
  #flush(): void {
    this.#hashed = this.#hash.flush()
    this.#hashed?.catch((error) => this.#fail(error))
  }

  #break(what: string, cause?: unknown): void {
    if (this.ended) return
    const { length } = this.#options
    const of = length === undefined ? '' : ` of ${length}`
    this.#fail(
      new SpaceError('BODY_BROKEN', `The body ${what} after ${this.size}${of} bytes.`, {}, { cause }),
    )
  }

  #abort(signal: AbortSignal): void {
    const message = `The upload was called off after ${this.size} bytes.`
    this.#fail(new SpaceError('BODY_BROKEN', message, {}, { cause: signal.reason }))
  }

  #fail(failure: SpaceError): void {
    this.#failure ??= failure
    this.#close()
    this.#signal()
  }

  #signal(): void {
    this.#wake?.()
    this.#wake = undefined
  }
}

function tooLarge(limit: number, what: string): SpaceError {
  return new SpaceError('FILE_TOO_LARGE', `${what} over the limit of ${limit} bytes a file.`, { limit })
}
