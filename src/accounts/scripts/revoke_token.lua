--@allow-oom
--[[
The token is dead with the next request.
KEYS: 1 the account slot
ARGV: 1 operation id, 2 seconds to keep its answer, 3 fingerprint
      4 account id, 5 name or id of the token; a name goes first
Result: id of the token
Errors: NOT_FOUND
]]
--@include keys
--@include once
--@include sharing/wake

local account, wanted = ARGV[4], ARGV[5]

local function find(tokens)
  local packed = redis.call('HGET', tokens, wanted)
  if packed then
    return wanted, packed
  end
  local all = redis.call('HGETALL', tokens)
  for i = 1, #all, 2 do
    if string.match(all[i + 1], '^%S+') == wanted then
      return all[i], all[i + 1]
    end
  end
end

local kept = recall()
if kept then
  return kept
end
local tokens = account_tokens_key(account)
local name, packed = find(tokens)
if not name then
  return refuse('NOT_FOUND')
end
local id, hash = string.match(packed, '^(%S+) %S+ (%S+)')
redis.call('HDEL', tokens, name)
redis.call('HDEL', TOKENS, hash)
wake({ account })
return remember(id)
