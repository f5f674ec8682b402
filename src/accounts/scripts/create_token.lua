--[[
Takes the first free name of "<name>", "<name>-2", "<name>-3" …
KEYS: 1 the account slot
ARGV: 1 operation id, 2 seconds to keep its answer, 3 fingerprint
      4 account id, 5 new token id, 6 wanted name, 7 created (ms), 8 SHA-256 of the token in hex, 9 description
Result: the name it got
Errors: NOT_FOUND no such account
]]
--@include keys
--@include once

local account, id, wanted, created, hash, description = ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[8], ARGV[9]

local kept = recall()
if kept then
  return kept
end
if redis.call('EXISTS', account_key(account)) == 0 then
  return refuse('NOT_FOUND')
end

local tokens = account_tokens_key(account)
local name, number = wanted, 1
while redis.call('HEXISTS', tokens, name) == 1 do
  number = number + 1
  name = wanted .. '-' .. number
end
redis.call('HSET', tokens, name, table.concat({ id, created, hash, description }, ' '))
redis.call('HSET', TOKENS, hash, table.concat({ account, id, name }, ' '))
return remember(name)
