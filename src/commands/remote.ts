import { Command, InvalidArgumentError, Option } from 'commander'
import { credentialsFile, readCredentials, readTokenFile } from './secrets.js'

/** A command that asks a server in an account's name, from any machine. */
export function remoteCommand(nameAndArguments: string, description: string): Command {
  return withAccess(new Command(nameAndArguments).description(description)).option('--json', 'print as JSON')
}

/** Gives a command the options that say which server, and in whose name. */
export function withAccess(command: Command): Command {
  return command
    .addOption(
      new Option('--server <url>', 'where the server is')
        .env('NOVEM_SERVER')
        .default('http://127.0.0.1:8080')
        .argParser(serverUrl),
    )
    .addOption(new Option('--token <token>', 'a token of your account').env('NOVEM_TOKEN'))
    .option('--token-file <file>', 'a file with that token in it')
}

export interface Access {
  readonly server: string
  readonly token: string
}

/** What those options say; where they say nothing, the configuration file does. Ends the command where there is no token. */
export function accessOf(command: Command): Access {
  const { server, ...secrets } = command.opts<{ server: string; token?: string; tokenFile?: string }>()
  const isDefault = command.getOptionValueSource('server') === 'default'
  const found = accessFrom({ ...secrets, ...(!isDefault && { server }) })
  if (found.token === undefined) {
    command.error(
      `error: a token of your account is needed: --token, --token-file, NOVEM_TOKEN, or ${credentialsFile()}.`,
    )
  }
  return { server: found.server ?? server, token: found.token }
}

/** Completed from the configuration file. */
export function accessFrom(given: Partial<Access> & { readonly tokenFile?: string }): Partial<Access> {
  const token = given.token || (given.tokenFile && readTokenFile(given.tokenFile))
  const file = token && given.server ? {} : readCredentials()
  const server = given.server ?? (file.server && serverUrl(file.server))
  const known = token || file.token
  return { ...(server && { server }), ...(known && { token: known }) }
}

/** A JSON answer of any shape; undefined where there was no body. */
export type Answered = ReturnType<typeof JSON.parse>

/**
 * Sends one request with the command's token. Rejects with what the server said where it refuses, or that it could not be
 * reached.
 */
export async function ask(command: Command, method: string, path: string, body?: unknown): Promise<Answered> {
  const { server, token } = accessOf(command)
  const response = await reach(server, path, {
    method,
    headers: {
      Authorization: `Bearer ${token}`,
      ...(body !== undefined && { 'Content-Type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  const said = parse(text)
  if (response.ok) return said
  throw new Error(said?.message ?? said?.error ?? `${server} answered ${response.status}.`)
}

/** `name` of one's own space, or `@owner~name`: where it is. */
export function spacePath(space: string): string {
  const [, owner, name] = /^@([^~]+)~(.+)$/.exec(space) ?? []
  if (owner === undefined || name === undefined) return `/v1/code/spaces/${encodeURIComponent(space)}`
  return `/v1/users/${encodeURIComponent(owner)}/code/spaces/${encodeURIComponent(name)}`
}

async function reach(server: string, path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(server + path, init)
  } catch (cause) {
    const why =
      (cause as Error).cause instanceof Error ? ((cause as Error).cause as Error).message : String(cause)
    throw new Error(`${server} cannot be reached: ${why}`, { cause })
  }
}

function parse(text: string): Answered {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function serverUrl(text: string): string {
  if (/^https?:\/\//.test(text) && URL.canParse(text)) return text.replace(/\/+$/, '')
  throw new InvalidArgumentError('It must be a URL that begins with http:// or https://.')
}
