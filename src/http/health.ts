/**
 * For balancers and supervisors; no token needed. `/healthz`: this process lives, and there is no use in starting it again. `/readyz`:
 * send it requests. They differ while Redis is away and while the server drains.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { SpaceError } from '../space/errors.js'
import { type Answer, jsonAnswer, send } from './answer.js'
import type { AppDeps } from './deps.js'
import { novemFailure } from './errors.js'
import { allowed, optionsAnswer } from './options.js'
import { READ } from './rights.js'

const PATIENCE_MS = 3000

type Serve = (req: IncomingMessage, res: ServerResponse) => Promise<void>

/** 200 `{"status":"ok"}`. */
export function healthAnswer(): Serve {
  return serving('/healthz', async () => jsonAnswer(200, { status: 'ok' }))
}

/** 200 `{"status":"ok",…}`, or 503 where the server is to stop, or naming the part that does not answer. */
export function readyAnswer(deps: AppDeps): Serve {
  return serving('/readyz', async () => {
    if (deps.isDraining?.()) {
      return jsonAnswer(503, { message: 'The server is about to stop.', status: 'draining' })
    }
    return partsAnswer(deps)
  })
}

async function partsAnswer({ health = {}, log }: AppDeps): Promise<Answer> {
  const parts: Record<string, 'ok' | 'failed'> = {}
  for (const [part, check] of Object.entries(health)) {
    try {
      await patiently(check())
      parts[part] = 'ok'
    } catch (error) {
      log.warn(`/readyz: ${part}: ${error instanceof Error ? error.message : error}`)
      parts[part] = 'failed'
    }
  }
  const failed = Object.keys(parts).filter((part) => parts[part] === 'failed')
  return failed.length === 0
    ? jsonAnswer(200, { status: 'ok', ...parts })
    : jsonAnswer(503, { message: `Not answering: ${failed.join(', ')}.`, status: 'failed', ...parts })
}

function serving(path: string, answer: () => Promise<Answer>): Serve {
  return async (req, res) => {
    const isRead = req.method === 'GET' || req.method === 'HEAD'
    await send(req, res, isRead ? await answer() : otherVerb(path, req.method), ['Cache-Control', 'no-store'])
  }
}

function otherVerb(path: string, method: string | undefined): Answer {
  if (method === 'OPTIONS') return optionsAnswer(READ)
  const allow = allowed(['GET', 'OPTIONS'])
  const message = `"${path}" does not take ${method}; it takes ${allow}.`
  return novemFailure(new SpaceError('METHOD_NOT_ALLOWED', message, { allow }))
}

function patiently(check: Promise<unknown>): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${PATIENCE_MS} ms`)), PATIENCE_MS)
  })
  return Promise.race([check, late]).finally(() => clearTimeout(timer))
}
