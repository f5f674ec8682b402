-- Makes a mutation happen once, however often it is sent: after a lost reply, or with the same Idempotency-Key.
-- ARGV[1]: operation id; ARGV[2]: seconds for which its answer is kept. Refusals are not kept: they changed nothing.

local OPERATION = '{acct}:op:' .. ARGV[1]

local function recall()
  local kept = redis.call('GET', OPERATION)
  return kept and cmsgpack.unpack(kept)
end

local function remember(answer)
  redis.call('SET', OPERATION, cmsgpack.pack(answer), 'EX', ARGV[2])
  return answer
end

local function refuse(code, ...)
  return redis.error_reply(table.concat({ 'NVM', code, ... }, ' '))
end
