import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { userFolder } from '../user-folders.js'

/** What commands take where neither a flag nor the environment says it. */
export interface Credentials {
  readonly server?: string
  readonly token?: string
}

/** `~/.config/novem-spaces.json`. */
export function credentialsFile(): string {
  return join(userFolder('config'), 'novem-spaces.json')
}

/** `{"server": "https://…", "token": "nbt-…"}`; nothing where there is no such file. Raises an Error that names the file. */
export function readCredentials(file = credentialsFile()): Credentials {
  const text = readSecret(file)
  if (text === undefined) return {}
  const { server, token } = parse(file, text)
  for (const [name, value] of Object.entries({ server, token })) {
    if (value !== undefined && typeof value !== 'string')
      throw new Error(`"${name}" in ${file} must be a text.`)
  }
  return { ...(server !== undefined && { server }), ...(token !== undefined && { token }) } as Credentials
}

/** A token alone in a file, as /etc/fstab names one. */
export function readTokenFile(file: string): string {
  const token = readSecret(file)?.trim()
  if (token === undefined) throw new Error(`The token file ${file} does not exist.`)
  if (token === '') throw new Error(`The token file ${file} is empty.`)
  return token
}

/** A file that is not for everybody's eyes; undefined where there is none. */
function readSecret(file: string): string | undefined {
  const mode = statSync(file, { throwIfNoEntry: false })?.mode
  if (mode === undefined) return undefined
  if ((mode & 0o007) !== 0) {
    throw new Error(
      `${file} holds a token and every user of this machine may read it; run: chmod 600 ${file}`,
    )
  }
  return readFileSync(file, 'utf8')
}

function parse(file: string, text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return value as Readonly<Record<string, unknown>>
  } catch {
    // Said below.
  }
  throw new Error(`${file} must hold a JSON object such as {"server": "https://…", "token": "nbt-…"}.`)
}
