import { execFile, execFileSync, spawn } from 'node:child_process'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { MAIN } from '../../support/cli.js'
import { freePort } from '../../support/ports.js'
import type { Ours } from '../peers/ours.js'
import { owned, terminate } from '../peers/processes.js'
import { findProgram } from '../tools/install.js'
import { Mounted } from './mounted.js'

/** The mounts that are compared. Each `start…` gets a folder of its own to put what it needs into. */

const run = promisify(execFile)

/** A space of its own for each, so that nobody has to follow what the others do. */
export interface Space {
  readonly ours: Ours
  readonly name: string
}

/** Ours, in a process of its own as a user starts it. */
export async function startOurMount(
  { ours, name: space }: Space,
  scratch: string,
  write: 'through' | 'back',
  name: string,
): Promise<Mounted> {
  const folder = await mountPoint(scratch)
  const cache = join(scratch, 'cache')
  const args = ['mount', space, folder, '--server', ours.url, '--write', write, '--cache-dir', cache]
  return Mounted.start({
    name,
    folder,
    forget: () => rm(cache, { recursive: true, force: true }),
    mount: () =>
      spawn(process.execPath, [MAIN, ...args], {
        env: { ...process.env, NOVEM_TOKEN: ours.token },
        stdio: ['ignore', 'ignore', 'inherit'],
      }),
  })
}

/** davfs2 on our WebDAV endpoint; `delay_upload 0` makes it send a file when it is closed, as the others do. */
export async function startDavfs({ ours, name: space }: Space, scratch: string): Promise<Mounted> {
  const folder = await mountPoint(scratch)
  const [conf, secrets] = [join(scratch, 'davfs2.conf'), join(scratch, 'secrets')]
  const url = `${ours.url}/dav/${space}/`
  await writeFile(secrets, `${url} ${ours.account} ${ours.token}\n`, { mode: 0o600 })
  await writeFile(conf, `buf_size 256\ndelay_upload 0\nsecrets ${secrets}\n`)
  return Mounted.start({
    name: 'davfs2',
    folder,
    forget: () => forgetDavfs(folder),
    mount: async () => {
      await run('mount.davfs', [url, folder, '-o', `conf=${conf}`], { env: withSbin(), timeout: 30_000 })
    },
  })
}

/** It keeps a folder for each mount where its own user may enter, named by the mount's path. */
async function forgetDavfs(folder: string): Promise<void> {
  const kept = '/var/cache/davfs2'
  for (const name of await readdir(kept)) {
    if (name.includes(`+${folder.slice(1).replaceAll('/', '-')}+`))
      await rm(join(kept, name), { recursive: true })
  }
}

/** `rclone mount` of our WebDAV endpoint with everything cached on disk. */
export async function startRcloneMount({ ours, name: space }: Space, scratch: string): Promise<Mounted> {
  const folder = await mountPoint(scratch)
  const cache = join(scratch, 'cache')
  const config = join(scratch, 'rclone.conf')
  await writeFile(config, '')
  const env = {
    ...process.env,
    RCLONE_CONFIG: config,
    RCLONE_WEBDAV_URL: `${ours.url}/dav/${space}`,
    RCLONE_WEBDAV_USER: ours.account,
    RCLONE_WEBDAV_PASS: execFileSync('rclone', ['obscure', ours.token], { encoding: 'utf8' }).trim(),
  }
  return Mounted.start({
    name: 'rclone mount, cache full',
    folder,
    forget: () => rm(cache, { recursive: true, force: true }),
    mount: () =>
      spawn(
        'rclone',
        [
          'mount',
          '--vfs-cache-mode',
          'full',
          '--cache-dir',
          cache,
          '--log-level',
          'ERROR',
          ':webdav:',
          folder,
        ],
        { env, stdio: ['ignore', 'ignore', 'inherit'] },
      ),
  })
}

/** See `least-mount.ts`. */
export async function startLeastMount(
  scratch: string,
  name: string,
  behind?: { readonly url: string; readonly largeBytes: number },
): Promise<Mounted> {
  const folder = await mountPoint(scratch)
  const script = fileURLToPath(new URL('least-mount.js', import.meta.url))
  return Mounted.start({
    name,
    folder,
    mount: () =>
      spawn(process.execPath, [script, folder, ...(behind ? [behind.url, String(behind.largeBytes)] : [])], {
        stdio: ['ignore', 'ignore', 'inherit'],
      }),
  })
}

/** A C file system that passes everything on to `files`: what FUSE itself costs. */
export async function startBindfs(files: string, scratch: string): Promise<Mounted> {
  const folder = await mountPoint(scratch)
  return Mounted.start({
    name: 'bindfs',
    folder,
    mount: () => spawn('bindfs', ['-f', files, folder], { stdio: ['ignore', 'ignore', 'inherit'] }),
  })
}

/** sshfs to a private sshd on a port of this machine, whose files are in `files`. */
export async function startSshfs(port: number, files: string, scratch: string): Promise<Mounted> {
  const folder = await mountPoint(scratch)
  const options = [
    'StrictHostKeyChecking=no',
    'UserKnownHostsFile=/dev/null',
    'LogLevel=ERROR',
    `IdentityFile=${keyOf(scratch)}`,
  ]
  const from = `${userInfo().username}@127.0.0.1:${files}`
  const args = ['-f', '-p', String(port), ...options.flatMap((option) => ['-o', option]), from, folder]
  return Mounted.start({
    name: 'sshfs',
    folder,
    mount: () => spawn('sshfs', args, { stdio: ['ignore', 'ignore', 'inherit'] }),
  })
}

/** The sshd for `startSshfs` with the same `scratch`: it lets in only the key that is made there. */
export async function startSshd(scratch: string): Promise<{ readonly port: number; end(): Promise<void> }> {
  const hostKey = join(scratch, 'host')
  for (const path of [hostKey, keyOf(scratch)])
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path])
  const port = await freePort()
  const config = join(scratch, 'sshd_config')
  await writeFile(
    config,
    [
      `Port ${port}`,
      'ListenAddress 127.0.0.1',
      `HostKey ${hostKey}`,
      `PidFile ${join(scratch, 'sshd.pid')}`,
      `AuthorizedKeysFile ${keyOf(scratch)}.pub`,
      'PasswordAuthentication no',
      'PermitRootLogin prohibit-password',
      'StrictModes no',
      'UsePAM no',
      'Subsystem sftp internal-sftp',
      '',
    ].join('\n'),
  )
  // Compiled into sshd: where its unprivileged part is locked up.
  if (userInfo().uid === 0) await mkdir('/run/sshd', { recursive: true, mode: 0o755 })
  const child = spawn(findProgram('sshd') ?? 'sshd', ['-D', '-e', '-f', config], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  owned(child)
  const said = await new Promise<string>((resolve) => {
    let text = ''
    child.stderr.setEncoding('utf8').on('data', (more: string) => {
      text += more
      if (text.includes('Server listening')) resolve('')
    })
    child.once('exit', () => resolve(text))
  })
  if (said !== '') throw new Error(`sshd ended: ${said.trim()}`)
  return { port, end: () => terminate(child) }
}

const keyOf = (scratch: string) => join(scratch, 'key')

async function mountPoint(scratch: string): Promise<string> {
  const folder = join(scratch, 'mnt')
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder)
  return folder
}

function withSbin(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` }
}
