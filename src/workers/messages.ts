/** What the primary process tells a worker. */
export type Order = 'close' | 'cut off'

/** What a worker tells the primary process, once: that it listens, and where; or why it does not. */
export type Report = { readonly url: string } | { readonly failed: string }
