/**
 * Counts calls into Node's file system module. Must be imported before anything that uses it: modules keep the functions
 * they find when they are loaded.
 */
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

type Callable = (...args: unknown[]) => unknown

let counting: Map<string, number> | undefined

/** The wrapper is known by the same symbols, such as how it becomes a promise. */
function counted(name: string, original: Callable): Callable {
  function wrapper(this: unknown, ...args: unknown[]) {
    const call = name.replace(/Sync$/, '')
    counting?.set(call, (counting.get(call) ?? 0) + 1)
    return original.apply(this, args)
  }
  return Object.defineProperties(wrapper, Object.getOwnPropertyDescriptors(original)) as Callable
}

for (const module of [fs, fs.promises] as unknown as Record<string, unknown>[]) {
  for (const [name, value] of Object.entries(module)) {
    const isCall = typeof value === 'function' && /^[a-z]/.test(name) && !/Stream|^watch/.test(name)
    if (isCall) module[name] = counted(name, value as Callable)
  }
}
syncBuiltinESMExports()

/** How often which file system call was made while `run` ran; on the spot or by the thread pool is the same. */
export async function fileCalls(run: () => Promise<unknown>): Promise<Record<string, number>> {
  counting = new Map()
  try {
    await run()
    return Object.fromEntries([...counting].sort())
  } finally {
    counting = undefined
  }
}
