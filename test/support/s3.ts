import { spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { S3Place } from '../../src/blobs/s3/client.js'
import { hasProgram } from './programs.js'

/** A Ceph RADOS Gateway on this machine. Its credentials are in this process' environment, where the SDK looks. */
export interface TestS3 {
  readonly endpoint: string
  /** The gateway's process. */
  readonly pid: number
  /** A place of one's own; its bucket does not exist yet. */
  place(): S3Place
  /** Settings of a server that keeps its bytes there. */
  settings(place: S3Place): Readonly<Record<string, string>>
}

const PROGRAMS = ['ceph-mon', 'ceph-osd', 'radosgw', 'radosgw-admin', 'monmaptool', 'ceph']
const CREDENTIALS = { AWS_ACCESS_KEY_ID: 'testaccesskey', AWS_SECRET_ACCESS_KEY: 'testsecretkey' }
const PATIENCE_MS = 90_000

/** `rgw-up`, which starts a gateway: NOVEM_RGW_UP, or `shared/s3/rgw-up` beside the project or above. */
function starter(): string | undefined {
  const { NOVEM_RGW_UP } = process.env
  if (NOVEM_RGW_UP) return NOVEM_RGW_UP
  let folder = fileURLToPath(new URL('../../..', import.meta.url))
  for (;;) {
    const file = join(folder, 'shared', 's3', 'rgw-up')
    if (existsSync(file)) return file
    if (dirname(folder) === folder) return undefined
    folder = dirname(folder)
  }
}

/** Why there can be no S3 server here; undefined where there can. */
export function noS3(): string | undefined {
  const missing = PROGRAMS.filter((program) => !hasProgram(program))
  if (missing.length > 0) return `${missing.join(', ')} of Ceph are not installed`
  const file = starter()
  if (file === undefined) return 'shared/s3/rgw-up is not beside the checkout, nor named by NOVEM_RGW_UP'
  return existsSync(file) ? undefined : `${file} does not exist`
}

/**
 * The gateway that all test files of a run share; the first that asks starts it. It ends with the run.
 */
export async function sharedS3(): Promise<TestS3> {
  const runner = Number(process.env.NOVEM_TEST_RUN ?? process.ppid)
  const folder = `/tmp/novem-rgw-${runner}`
  try {
    mkdirSync(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return joined(folder)
  }
  keep(folder, runner)
  return start(folder)
}

/** A gateway of one's own, to be killed and frozen; it ends with this process. */
export async function ownS3(): Promise<TestS3 & { stop(): void }> {
  const folder = `/tmp/novem-rgw-${process.pid}-${randomBytes(3).toString('hex')}`
  mkdirSync(folder)
  keep(folder, process.pid)
  return { ...(await start(folder)), stop: () => end(folder) }
}

/** Ends the gateway when the process it was started for has gone, however it went. */
function keep(folder: string, owner: number): void {
  const script =
    'while kill -0 "$1" 2>/dev/null && [ -d "$2" ]; do sleep 0.3; done; [ -d "$2" ] && "$3" --purge "$2/ceph"; rm -rf "$2"'
  const args = [
    '-c',
    script,
    'novem-rgw-keeper',
    String(owner),
    folder,
    join(dirname(starter() as string), 'rgw-down'),
  ]
  spawn('sh', args, { detached: true, stdio: 'ignore' }).unref()
}

function end(folder: string): void {
  spawnSync(join(dirname(starter() as string), 'rgw-down'), ['--purge', join(folder, 'ceph')])
  rmSync(folder, { recursive: true, force: true })
}

async function start(folder: string): Promise<TestS3> {
  let said = ''
  for (let tries = 0; tries < 5; tries++) {
    // Below the range the kernel gives to clients, whose connections would take the daemons' ports.
    const port = 20_000 + 40 * Math.floor(Math.random() * 300)
    const args = [join(folder, 'ceph'), String(port)]
    const env = { ...process.env, RGW_STORE: 'memstore' }
    const child = spawn(starter() as string, args, { env, stdio: ['ignore', 'ignore', 'pipe'] })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    const code = await new Promise((resolve) => child.once('exit', resolve))
    if (code === 0) return joined(folder)
    end(join(folder, 'ceph'))
  }
  throw new Error(`No S3 server could be started: ${said}`)
}

async function joined(folder: string): Promise<TestS3> {
  Object.assign(process.env, CREDENTIALS)
  const file = join(folder, 'ceph', 'env')
  const deadline = Date.now() + PATIENCE_MS
  while (!existsSync(file)) {
    if (Date.now() > deadline) throw new Error(`The S3 server in ${folder} does not start.`)
    await delay(50)
  }
  const endpoint = /^S3_ENDPOINT=(.+)$/m.exec(readFileSync(file, 'utf8'))?.[1] as string
  return {
    endpoint,
    get pid() {
      return Number(readFileSync(join(folder, 'ceph', 'pid', 'client.rgw.a'), 'utf8'))
    },
    place: () => ({ bucket: `b-${randomBytes(8).toString('hex')}`, prefix: '', endpoint }),
    settings: ({ bucket }) => ({ S3_BUCKET: bucket, S3_ENDPOINT: endpoint }),
  }
}
