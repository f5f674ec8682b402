/** What we use of fuse-native 2.2.6: its class, of which `take-over.ts` and `macos/bridge.ts` make their own. */
declare module 'fuse-native' {
  /** Answers the kernel: 0, a count or a negative errno; what follows depends on the callback. Once, not more. */
  export type Signal = (result: number, ...payload: unknown[]) => void

  /** Called for each request: the libfuse thread's own memory, the operation's number, then its arguments. */
  export type Handler = (thread: Buffer, operation: number, ...args: unknown[]) => unknown

  export interface Options {
    /** false: no answer is given in the file system's place. */
    readonly timeout: false
  }

  export default class Fuse {
    /** `operations`: only whether a name is there counts, since the subclass answers all of them. */
    constructor(mountPoint: string, operations: Readonly<Record<string, unknown>>, options: Options)

    mount(done: (error?: Error | null) => void): void
    unmount(done: (error?: Error | null) => void): void
    /** What `unmount` calls first. */
    static unmount: (mountPoint: string, done: (error: Error | null) => void) => void

    /** After `Fuse.unmount`: nothing of it holds the event loop any more. */
    protected _close(done: (error?: Error | null) => void): void
    protected _fuseOptions(): string
    protected _makeHandlerArray(): Handler[]
  }
}
