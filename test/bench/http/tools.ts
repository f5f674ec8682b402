import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { getuid } from 'node:process'

/** A program others measure with, or are measured against, and the Debian package that brings it. */
export interface Tool {
  readonly program: string
  readonly package: string
}

export const WRK: Tool = { program: 'wrk', package: 'wrk' }
export const APACHE: Tool = { program: 'apache2', package: 'apache2-bin' }
export const CURL: Tool = { program: 'curl', package: 'curl' }

/** Installs what is missing where we may. Answers undefined, or why it is still missing. */
export function missing({ program, package: name }: Tool): string | undefined {
  if (find(program)) return undefined
  if (getuid?.() !== 0) return `${program} is not installed; as root: apt-get install ${name}`
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  for (const args of [['update'], ['install', '-y', '--no-install-recommends', name]]) {
    const { status, stderr, error } = spawnSync('apt-get', args, { env, encoding: 'utf8' })
    if (status !== 0) {
      return `${program} is not installed, and apt-get ${args[0]} failed: ${error?.message ?? stderr.trim().split('\n').at(-1)}`
    }
  }
  return find(program) ? undefined : `${program} is not in the package ${name} of this system`
}

function find(program: string): boolean {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin']
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
