/** `/healthz`: can this process do its work? For balancers and container health checks; no token needed. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { SpaceError } from '../space/errors.js'
import { type Answer, jsonAnswer, send } from './answer.js'
import type { AppDeps } from './deps.js'
import { novemFailure } from './errors.js'
import { allowed, optionsAnswer } from './options.js'
import { READ } from './rights.js'

const PATIENCE_MS = 3000

/** 200 `{"status":"ok",…}` or 503 naming the part that does not answer. */
export function healthAnswer({ health = {}, log }: AppDeps) {
  return async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    if (req.method !== 'GET' && req.method !== 'HEAD') return send(req, res, otherVerb(req.method), [])
    const parts: Record<string, 'ok' | 'failed'> = {}
    for (const [part, check] of Object.entries(health)) {
      try {
        await patiently(check())
        parts[part] = 'ok'
      } catch (error) {
        log.warn(`/healthz: ${part}: ${error instanceof Error ? error.message : error}`)
        parts[part] = 'failed'
      }
    }
    const failed = Object.keys(parts).filter((part) => parts[part] === 'failed')
    const answer =
      failed.length === 0
        ? jsonAnswer(200, { status: 'ok', ...parts })
        : jsonAnswer(503, { message: `Not answering: ${failed.join(', ')}.`, status: 'failed', ...parts })
    await send(req, res, answer, ['Cache-Control', 'no-store'])
  }
}

function otherVerb(method: string | undefined): Answer {
  if (method === 'OPTIONS') return optionsAnswer(READ)
  const allow = allowed(['GET', 'OPTIONS'])
  const message = `"/healthz" does not take ${method}; it takes ${allow}.`
  return novemFailure(new SpaceError('METHOD_NOT_ALLOWED', message, { allow }))
}

function patiently(check: Promise<unknown>): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${PATIENCE_MS} ms`)), PATIENCE_MS)
  })
  return Promise.race([check, late]).finally(() => clearTimeout(timer))
}
