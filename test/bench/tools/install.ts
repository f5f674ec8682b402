import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { getuid } from 'node:process'

/** A program others measure with, or are measured against, and the Debian package that brings it. */
export interface Tool {
  readonly program: string
  readonly package: string
  /** Debian starts what the package brings, so it is not installed unasked where that is allowed. */
  readonly daemon?: boolean
}

export const WRK: Tool = { program: 'wrk', package: 'wrk' }
export const APACHE: Tool = { program: 'apache2', package: 'apache2-bin' }
export const CURL: Tool = { program: 'curl', package: 'curl' }
export const RCLONE: Tool = { program: 'rclone', package: 'rclone' }
export const SSHFS: Tool = { program: 'sshfs', package: 'sshfs' }
export const SSHD: Tool = { program: 'sshd', package: 'openssh-server', daemon: true }
export const DAVFS: Tool = { program: 'mount.davfs', package: 'davfs2' }
export const BINDFS: Tool = { program: 'bindfs', package: 'bindfs' }
export const GIT: Tool = { program: 'git', package: 'git' }

/** Where services are not started by installing them: in containers. */
const NO_SERVICES = '/usr/sbin/policy-rc.d'

/** Installs what is missing where we may. Answers undefined, or why it is still missing. */
export function missing({ program, package: name, daemon = false }: Tool): string | undefined {
  if (findProgram(program)) return undefined
  if (getuid?.() !== 0 || (daemon && !existsSync(NO_SERVICES)))
    return `${program} is not installed; as root: apt-get install ${name}`
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  for (const args of [['update'], ['install', '-y', '--no-install-recommends', name]]) {
    const { status, stderr, error } = spawnSync('apt-get', args, { env, encoding: 'utf8' })
    if (status !== 0) {
      return `${program} is not installed, and apt-get ${args[0]} failed: ${error?.message ?? stderr.trim().split('\n').at(-1)}`
    }
  }
  return findProgram(program) ? undefined : `${program} is not in the package ${name} of this system`
}

/** Its path, where it is installed. */
export function findProgram(program: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin']
  return folders
    .map((folder) => join(folder, program))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}
