import test from 'ava'
import { novemFailure, STATUSES } from '../../src/http/errors.js'
import { ERROR_CODES, type ErrorCode, SpaceError } from '../../src/space/errors.js'

const CODES = Object.keys(ERROR_CODES) as ErrorCode[]

test('every surface has a status for every error of the domain, and no others', (t) => {
  for (const [surface, table] of Object.entries(STATUSES)) {
    t.deepEqual(Object.keys(table).sort(), [...CODES].sort(), surface)
    for (const status of Object.values(table)) t.true(status >= 400 && status < 600)
  }
})

test('the envelope is the message, with the machine-readable details beside it', (t) => {
  const { status, body } = novemFailure(new SpaceError('EPOCH_GONE', 'The journal is gone.', { epoch: 'e2' }))
  t.is(status, 410)
  t.deepEqual(JSON.parse(String(body)), { message: 'The journal is gone.', epoch: 'e2' })
})

test('no detail can stand in for the message', (t) => {
  const { body } = novemFailure(new SpaceError('BUSY', 'Try again.', { message: 'x' }))
  t.is(JSON.parse(String(body)).message, 'Try again.')
})
