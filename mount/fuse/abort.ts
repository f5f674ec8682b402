import { mkdtemp, rmdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from './run.js'

const CONNECTIONS = '/sys/fs/fuse/connections'

/**
 * Ends a FUSE connection whose server is gone or stuck: whoever waits for it gets an error, and so do all that come. It takes root, or
 * having mounted it. `mountPoint`, where it is still mounted, is taken away as well. Answers whether that worked; never rejects.
 */
export async function abortConnection(connection: number, mountPoint?: string): Promise<boolean> {
  if (await abortBelow(CONNECTIONS, connection)) return true
  // Where the folder of connections is not mounted, as in many containers.
  if (mountPoint !== undefined && (await run('umount', ['-f', '-l', '--', mountPoint])).code === 0)
    return true
  return abortByOwnMount(connection)
}

async function abortByOwnMount(connection: number): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'novem-fusectl-')).catch(() => undefined)
  if (folder === undefined) return false
  try {
    if ((await run('mount', ['-t', 'fusectl', 'fusectl', folder])).code !== 0) return false
    const aborted = await abortBelow(folder, connection)
    await run('umount', ['--', folder])
    return aborted
  } finally {
    await rmdir(folder).catch(() => {})
  }
}

async function abortBelow(folder: string, connection: number): Promise<boolean> {
  return writeFile(`${folder}/${connection}/abort`, '1', { flag: 'r+' }).then(
    () => true,
    () => false,
  )
}
