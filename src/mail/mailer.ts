/** E-mail that the server sends: invitations, and nothing else. Without SMTP_URL there is no mailer. */
import { createTransport } from 'nodemailer'

export interface InvitationMail {
  readonly to: string
  /** Account name of who invites. */
  readonly owner: string
  /** What to: a space's name, or a tag. */
  readonly tag: string
  readonly permission: string
  /** Opens the page that says how to join; holds the token. */
  readonly url: string
  /** When the invitation ends (ms). */
  readonly expires?: number
}

export interface Mailer {
  /** Rejects where the mail server did not take it; the error may name the address, so it is not for logs. */
  sendInvitation(mail: InvitationMail): Promise<void>
}

/** A mail server that hangs must not hang the request. */
const PATIENCE_MS = 15_000

/** `url`: `smtp://user:password@host:port` or `smtps://…`. `from`: the address that mails come from. */
export function createMailer(url: string, from: string): Mailer {
  const timeouts = {
    connectionTimeout: PATIENCE_MS,
    greetingTimeout: PATIENCE_MS,
    socketTimeout: PATIENCE_MS,
  }
  const transport = createTransport({ url, ...timeouts, disableFileAccess: true, disableUrlAccess: true })
  return {
    sendInvitation: async (mail) => {
      await transport.sendMail({
        from,
        to: { name: '', address: mail.to },
        subject: `${mail.owner} shares ${mail.tag} with you`,
        text: invitationText(mail),
        signal: AbortSignal.timeout(PATIENCE_MS),
      })
    },
  }
}

function invitationText({ owner, tag, permission, url, expires }: InvitationMail): string {
  const until = expires === undefined ? '' : ` The invitation ends on ${new Date(expires).toUTCString()}.`
  return [
    `${owner} invites you to "${tag}" (${permission} access).${until}`,
    '',
    'This page says how to accept:',
    url,
    '',
    'The invitation is for the account with this e-mail address. If you do not know who sent it, do nothing.',
    '',
  ].join('\n')
}
