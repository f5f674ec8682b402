import { spawn } from 'node:child_process'
import { chmod, chown, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { getuid } from 'node:process'
import { freePort } from '../../support/ports.js'
import type { Peer } from './peer.js'
import { owned, terminate, untilAnswers, withChildren } from './processes.js'

const MODULES = '/usr/lib/apache2/modules'
/** `nobody` on Debian: Apache does not serve as root. */
const NOBODY = 65534

/** A private Apache with mod_dav, event MPM, its files in `folder`, no access log. */
export async function startApache(folder: string): Promise<Peer> {
  const root = getuid?.() === 0
  const files = join(folder, 'files')
  await mkdir(files, { recursive: true })
  if (root) {
    for (const path of [folder, files]) await chown(path, NOBODY, NOBODY)
    await chmod(folder, 0o755)
  }
  const port = await freePort()
  const config = join(folder, 'apache.conf')
  await writeFile(config, configuration(folder, files, port, root))
  const child = owned(
    spawn('apache2', ['-f', config, '-DFOREGROUND'], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` },
    }),
  )
  const base = `http://127.0.0.1:${port}/`
  await untilAnswers(child, base)
  return {
    name: 'Apache mod_dav',
    base,
    headers: {},
    makesFoldersBy: 'MKCOL',
    pids: () => withChildren(child.pid as number),
    end: () => terminate(child),
  }
}

function configuration(folder: string, files: string, port: number, root: boolean): string {
  const load = (name: string) => `LoadModule ${name}_module ${MODULES}/mod_${name}.so`
  return [
    ...['mpm_event', 'authz_core', 'dav', 'dav_fs', 'mime'].map(load),
    ...(root ? ['User #65534', 'Group #65534'] : []),
    'ServerName 127.0.0.1',
    `Listen 127.0.0.1:${port}`,
    `DefaultRuntimeDir ${folder}`,
    `PidFile ${folder}/apache.pid`,
    `ErrorLog ${folder}/apache.log`,
    'TypesConfig /dev/null',
    'KeepAlive On',
    'MaxKeepAliveRequests 0',
    'ServerLimit 2',
    'StartServers 2',
    'ThreadsPerChild 32',
    'MaxRequestWorkers 64',
    `DavLockDB ${folder}/locks`,
    `DocumentRoot ${files}`,
    `<Directory ${files}>`,
    '  Require all granted',
    '  Dav On',
    '  DavDepthInfinity on',
    '</Directory>',
    '',
  ].join('\n')
}
