import type { ServerProcess } from '../support/cli.js'

/** Reads metrics of a server started with METRICS_PORT=0: the sum of a metric's values whose lines have all of these labels. */
export function scrape(server: ServerProcess) {
  const url = /Metrics are at (http:[^"\s]+)/.exec(server.stderr())?.[1] ?? ''
  const metric = async (name: string, ...labels: string[]): Promise<number> => {
    const lines = (await (await fetch(url)).text()).split('\n')
    return lines
      .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
      .filter((line) => labels.every((label) => line.includes(label)))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
  }
  return Object.assign(metric, { url })
}
