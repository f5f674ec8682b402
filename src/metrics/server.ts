/** The operator's port: `GET /metrics` and nothing else. It is never the one that clients reach. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { AggregatorRegistry, type Registry } from 'prom-client'

export interface MetricsServer {
  readonly url: string
  close(): Promise<void>
}

/** What one process has counted, as it travels to another. */
export type MetricValues = Awaited<ReturnType<Registry['getMetricsAsJSON']>>

/** Serves what `registry` and the others have counted, added up. Rejects where the port cannot be had. */
export async function serveMetrics(
  { host, port }: { readonly host: string; readonly port: number },
  registry: Registry,
  others: () => Promise<readonly MetricValues[]>,
): Promise<MetricsServer> {
  const server = createServer((req, res) => {
    if (req.method !== 'GET' || req.url?.split('?')[0] !== '/metrics') {
      res.writeHead(404, { 'Content-Type': 'text/plain' }).end('Only GET /metrics is here.\n')
      return
    }
    together(registry, others).then(
      (text) => res.writeHead(200, { 'Content-Type': registry.contentType }).end(text),
      (error) => res.writeHead(500, { 'Content-Type': 'text/plain' }).end(`${error}\n`),
    )
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(new Error(`Cannot serve metrics on ${host}, port ${port}: ${error.message}.`, { cause: error })),
    )
    server.listen(port, host, resolve)
  })
  const { port: bound } = server.address() as AddressInfo
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}/metrics`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function together(registry: Registry, others: () => Promise<readonly MetricValues[]>): Promise<string> {
  const all = await Promise.all([registry.getMetricsAsJSON(), ...(await others())])
  return AggregatorRegistry.aggregate(all).metrics()
}
