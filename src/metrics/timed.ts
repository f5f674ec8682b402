/** Measures the methods of an interface from outside, whoever implements it. */
import { SpaceError } from '../space/errors.js'

/** `result`: `ok`, the error's code, or `ERROR` for what is none of the domain's. */
export type Record = (method: string, result: string, ms: number) => void

/**
 * The same methods as `target`'s; of those named each call is recorded when it settles. Nothing else of `target` is there: it
 * is for what is used through an interface of methods.
 */
export function timed<T extends object>(
  target: T,
  methods: readonly (keyof T & string)[],
  record: Record,
): T {
  const named = new Set<string>(methods)
  const all = methodNames(target).map((name) => {
    const method = (Reflect.get(target, name) as Method).bind(target)
    return [name, named.has(name) ? recorded(name, method, record) : method] as const
  })
  return Object.fromEntries(all) as T
}

type Method = (...args: unknown[]) => unknown

function recorded(name: string, method: Method, record: Record): Method {
  return async (...args) => {
    const began = performance.now()
    try {
      const answer = await method(...args)
      record(name, 'ok', performance.now() - began)
      return answer
    } catch (error) {
      const result = error instanceof SpaceError ? error.code : 'ERROR'
      record(name, result, performance.now() - began)
      throw error
    }
  }
}

function methodNames(target: object): string[] {
  const names = new Set<string>()
  for (let at = target; at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    for (const name of Object.getOwnPropertyNames(at)) {
      const { value } = Object.getOwnPropertyDescriptor(at, name) ?? {}
      if (typeof value === 'function' && name !== 'constructor') names.add(name)
    }
  }
  return [...names]
}
