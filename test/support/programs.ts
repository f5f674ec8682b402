import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** Is it installed? (`src/setup.mjs` installs what the tests use, where it may.) */
export function hasProgram(name: string): boolean {
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin', '/usr/libexec']
  return folders.some((folder) => existsSync(join(folder, name)))
}

export interface Ran {
  readonly code: number | null
  /** stdout and stderr, as they came. */
  readonly said: string
}

/** Runs a program to its end. */
export async function runProgram(
  name: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv; readonly input?: string } = {},
): Promise<Ran> {
  const { cwd, env, input = '' } = options
  const child = spawn(name, args, { cwd, env: { ...process.env, ...env }, stdio: 'pipe' })
  let said = ''
  const hear = (text: string) => {
    said += text
  }
  child.stdout.setEncoding('utf8').on('data', hear)
  child.stderr.setEncoding('utf8').on('data', hear)
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, said }
}
