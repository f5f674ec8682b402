import { SpaceError } from '../space/errors.js'
import { quote } from '../space/quote.js'

/** Plain files of a group or organisation. */
export const GROUP_TEXTS = ['name', 'description'] as const

/** `options/<name>`: `yes` or `no`. They say what the group wants to be; nothing of them opens a space. */
export const GROUP_OPTIONS = [
  'is_open',
  'show_description',
  'show_members',
  'show_profile',
  'enable_subdomain',
  'allow_inbound_mail',
  'mail_verify_dkim',
  'mail_verify_spf',
] as const

export type GroupFile = (typeof GROUP_TEXTS)[number] | `options/${(typeof GROUP_OPTIONS)[number]}`

const LONGEST_TEXT_BYTES = 4096

/** `name` or `options/is_open`. undefined where there is no such file. */
export function parseGroupFile(path: string): GroupFile | undefined {
  return (
    GROUP_TEXTS.find((text) => text === path) ??
    GROUP_OPTIONS.map((option) => `options/${option}` as const).find((option) => option === path)
  )
}

/** What is read where nothing was written. */
export function groupFileDefault(file: GroupFile): string {
  return file.startsWith('options/') ? 'no' : ''
}

/** The text as it is kept. BAD_REQUEST where it is too long, or an option neither yes nor no. */
export function checkGroupText(file: GroupFile, text: string): string {
  if (file.startsWith('options/')) {
    const word = text.trim()
    if (word === 'yes' || word === 'no') return word
    throw new SpaceError(
      'BAD_REQUEST',
      `The option ${quote(file)} must be 'yes' or 'no', not ${quote(word)}.`,
    )
  }
  if (Buffer.byteLength(text) > LONGEST_TEXT_BYTES) {
    throw new SpaceError(
      'BAD_REQUEST',
      `The profile's ${quote(file)} is longer than ${LONGEST_TEXT_BYTES} bytes.`,
    )
  }
  return text
}
