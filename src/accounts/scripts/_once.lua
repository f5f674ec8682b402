-- Makes a mutation happen once, however often it is sent: after a lost reply, or with the same Idempotency-Key. What it
-- answered is kept, refusals too: a first attempt that arrives late must not do what the second was refused.
-- ARGV[1]: operation id; ARGV[2]: seconds for which its answer is kept; ARGV[3]: what an Idempotency-Key was sent with, or ''
-- Errors: KEY_REUSED the Idempotency-Key came with another request before

local OPERATION = '{acct}:op:' .. ARGV[1]

local function keep(answer, refusal)
  redis.call('SET', OPERATION, cmsgpack.pack({ ARGV[3], refusal, answer }), 'EX', ARGV[2])
end

-- The answer kept, or nil; refusals are tables with `err`.
local function recall()
  local kept = redis.call('GET', OPERATION)
  if not kept then
    return nil
  end
  local fingerprint, refusal, answer = unpack(cmsgpack.unpack(kept))
  if fingerprint ~= ARGV[3] then
    return redis.error_reply('NVM KEY_REUSED')
  end
  return refusal and redis.error_reply(refusal) or answer
end

local function remember(answer)
  keep(answer, false)
  return answer
end

local function refuse(code, ...)
  local refusal = table.concat({ 'NVM', code, ... }, ' ')
  if code ~= 'BUSY' then
    keep(false, refusal)
  end
  return redis.error_reply(refusal)
end
