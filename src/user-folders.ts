import { homedir } from 'node:os'
import { join } from 'node:path'

/** Of the XDG Base Directory Specification: the variable, and what is meant where it is not set. */
const FOLDERS = {
  config: ['XDG_CONFIG_HOME', '.config'],
  cache: ['XDG_CACHE_HOME', '.cache'],
  state: ['XDG_STATE_HOME', '.local/state'],
} as const

/** Where programs keep what they keep for this user. */
export function userFolder(kind: keyof typeof FOLDERS): string {
  const [variable, usual] = FOLDERS[kind]
  return process.env[variable] || join(homedir(), usual)
}
