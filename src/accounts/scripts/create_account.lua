--[[
KEYS: 1 the account slot
ARGV: 1 operation id, 2 seconds to keep its answer, 3 fingerprint
      4 new account id, 5 name, 6 e-mail, 7 the same in lower case, 8 plan, 9 spaces flag, 10 public flag,
      11 created (ms), 12 encoded password or ''
Result: account row
Errors: EXISTS name | email
]]
--@include keys
--@include once
--@include account_row
--@include profile
--@include email

local id, name, email, folded_email, plan = ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[8]
local spaces, public, created, password = ARGV[9], ARGV[10], ARGV[11], ARGV[12]

local kept = recall()
if kept then
  return kept
end
if redis.call('HEXISTS', NAMES, name) == 1 then
  return refuse('EXISTS', 'name')
end
if folded_email ~= '' and redis.call('HEXISTS', EMAILS, folded_email) == 1 then
  return refuse('EXISTS', 'email')
end

redis.call('HSET', NAMES, name, id)
redis.call('HSET', account_key(id), 'name', name, 'plan', plan, 'spaces', spaces, 'public', '0', 'created', created)
claim_email(id, email, folded_email)
if public == '1' then
  set_public(id, public, created)
end
if password ~= '' then
  redis.call('HSET', PASSWORDS, id, password)
end
return remember(account_row(id))
