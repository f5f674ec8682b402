/** The published client. Its own types are not used: they need those of a browser. */

interface Item {
  readonly id: string
  readonly path: string
  readonly size: number
  readonly updatedAt: number
  readonly isDirectory: boolean
}

interface Uploaded {
  readonly id: string
  readonly path: string
  readonly uploadRequest?: {
    readonly method: string
    readonly url: string
    readonly headers: Readonly<Record<string, string>>
  }
}

interface Space {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly createdAt: number
  readonly updatedAt: number
}

export interface SpaceClient {
  list(query?: object): Promise<{ readonly items: readonly Space[]; readonly cursor: string }>
  fetch(id: string): Promise<Space>
  create(space: object): Promise<{ readonly id: string }>
  update(id: string, space: object): Promise<{ readonly id: string }>
  delete(id: string): Promise<{ readonly id: string }>
  clientFetch(path: string, options: object): Promise<unknown>
  readonly storage: {
    list(id: string, path?: string, query?: object): Promise<{ readonly items: readonly Item[] }>
    download(id: string, path: string): Promise<{ readonly id: string; readonly url: string }>
    upload(id: string, path: string, request: object): Promise<Uploaded>
    delete(id: string, path: string, request?: object): Promise<{ readonly path: string }>
    copy(id: string, path: string, request: object): Promise<{ readonly path: string }>
    move(id: string, path: string, request: object): Promise<{ readonly path: string }>
  }
}

interface Options {
  readonly secret: string
  readonly baseUrl: string
  /** After 429 and 5xx; 3 unless said. */
  readonly retries?: number
}

export async function sdkClient(options: Options): Promise<SpaceClient> {
  const module: string = '@chatbotkit/sdk/space/index.js'
  const sdk: { readonly SpaceClient: new (options: Options) => SpaceClient } = await import(module)
  return new sdk.SpaceClient(options)
}
