import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import test from 'ava'
import { SMTPServer } from 'smtp-server'
import { createMailer } from '../../src/mail/mailer.js'
import { json, jsonBody } from '../support/http.js'
import { testServer } from '../support/server.js'
import { ownerOf } from './http.js'

interface Received {
  readonly from: string
  readonly to: readonly string[]
  readonly text: string
}

/** A mail server that keeps what it gets, or refuses everything. */
async function smtpServer(refuses = false) {
  const received: Received[] = []
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onRcptTo: (_address, _session, callback) =>
      callback(refuses ? Object.assign(new Error('no such mailbox'), { responseCode: 550 }) : null),
    onData: (stream, session, callback) => {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope
        received.push({
          from: mailFrom ? mailFrom.address : '',
          to: rcptTo.map(({ address }) => address),
          text: Buffer.concat(chunks).toString(),
        })
        callback()
      })
    },
  })
  server.listen(0, '127.0.0.1')
  await once(server.server, 'listening')
  const { port } = server.server.address() as AddressInfo
  return {
    url: `smtp://127.0.0.1:${port}`,
    received,
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  }
}

async function servers(refuses = false) {
  const smtp = await smtpServer(refuses)
  const mailer = createMailer(smtp.url, 'no-reply@files.example.org')
  const server = await testServer({ wrap: (deps) => ({ ...deps, mailer }) })
  const stop = async () => {
    await server.stop()
    await smtp.close()
  }
  return { smtp, server, stop }
}

const share = (body: object) => ({ method: 'POST', ...jsonBody({ tag: 'data', ...body }) })

test('an invitation is mailed to the invited address, with its link', async (t) => {
  const { smtp, server, stop } = await servers()
  t.teardown(stop)
  const ann = await ownerOf(server, 'ann1')
  const made = await json(
    await ann.fetch('/v1/spaces/share', share({ email: 'bob@example.org', expires_in: 60 })),
  )
  t.true(made.email_sent)
  t.is(smtp.received.length, 1)
  const [mail] = smtp.received as [Received]
  t.is(mail.from, 'no-reply@files.example.org')
  t.deepEqual(mail.to, ['bob@example.org'])
  const text = mail.text.replace(/=\r\n/g, '').replace(/=3D/g, '=')
  t.true(text.includes(made.share_url), text)
  t.regex(text, /Subject: ann1 shares data with you/)
  t.regex(text, /ends on /)
  const rotated = await json(await ann.fetch(`/v1/spaces/share/${made.token}/rotate`, { method: 'POST' }))
  t.true(rotated.email_sent)
  t.true(smtp.received[1]?.text.replace(/=\r\n/g, '').includes(rotated.token))
})

test('a mail server that refuses, or is away, takes nothing back, and no log says to whom', async (t) => {
  const { smtp, server, stop } = await servers(true)
  t.teardown(stop)
  const ann = await ownerOf(server, 'ann2')
  const refused = await ann.fetch('/v1/spaces/share', share({ email: 'bob@example.org' }))
  t.is(refused.status, 200)
  t.like(await json(refused), { email_sent: false })
  await smtp.close()
  const away = await json(await ann.fetch('/v1/spaces/share', share({ email: 'bob@example.org' })))
  t.false(away.email_sent)
  t.like(await json(await fetch(`${server.url}/v1/spaces/token/${away.token}`)), { valid: true })
  t.is(server.errors.length, 2)
  for (const line of server.errors) {
    t.regex(line, /e-mail of an invitation was not sent: E\w+/)
    t.notRegex(line, /bob|shr_/)
  }
})
