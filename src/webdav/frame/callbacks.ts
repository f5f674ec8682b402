/** Between promises and the package's callbacks. */

/** The package passes null where nothing is wrong; its types do not say so. */
const NO_ERROR = null as unknown as Error

/** Calls back once, with the promise's outcome. */
export function promised<T>(promise: Promise<T>, callback: (error: Error, value?: T) => void): void {
  promise.then(
    (value) => callback(NO_ERROR, value),
    (error: Error) => callback(error),
  )
}
