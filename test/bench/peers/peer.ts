/** A server that is measured: ours or another. Files lie right below `base`. */
export interface Peer {
  readonly name: string
  /** Ends with a slash. */
  readonly base: string
  /** Sent with every request. */
  readonly headers: Readonly<Record<string, string>>
  /** Ours makes folders by PUT with a slash at the end, WebDAV by MKCOL. */
  readonly makesFoldersBy: 'PUT' | 'MKCOL'
  /** Its processes, children included. */
  pids(): readonly number[]
  end(): Promise<void>
}
