/** What the server's parts need of a logger; pino's loggers fit. Messages never hold tokens or file contents. */
export interface Log {
  info(message: string): void
  warn(message: string): void
  error(message: string): void
}

export const silentLog: Log = { info() {}, warn() {}, error() {} }
