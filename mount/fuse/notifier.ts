import { Worker } from 'node:worker_threads'

/** Sends notifications one batch after the other. */
export class Notifier {
  readonly #worker: Worker
  readonly #waiting: { resolve: () => void; reject: (error: Error) => void }[] = []

  /** `descriptor`: of /dev/fuse. */
  constructor(descriptor: number) {
    this.#worker = new Worker(new URL('./notify-worker.js', import.meta.url), { workerData: { descriptor } })
    this.#worker.unref()
    this.#worker.on('message', (problem: string | undefined) => {
      const next = this.#waiting.shift()
      if (problem === undefined) next?.resolve()
      else next?.reject(new Error(problem))
    })
    this.#worker.on('error', (error) => this.#fail(error))
  }

  /** Resolves when the kernel has obeyed. Rejects when it takes no more: the mount has gone. */
  send(messages: readonly Buffer[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject })
      this.#worker.postMessage(messages)
    })
  }

  close(): void {
    void this.#worker.terminate()
    this.#fail(new Error('The mount has gone.'))
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error)
  }
}
