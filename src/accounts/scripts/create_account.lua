--[[
KEYS: 1 the account slot
ARGV: 1 operation id, 2 seconds to keep its answer
      3 new account id, 4 name, 5 e-mail, 6 the same in lower case, 7 plan, 8 spaces flag, 9 public flag,
      10 created (ms), 11 encoded password or ''
Result: account row
Errors: EXISTS name | email
]]
--@include keys
--@include once
--@include account_row
--@include profile
--@include email

local id, name, email, folded_email, plan = ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local spaces, public, created, password = ARGV[8], ARGV[9], ARGV[10], ARGV[11]

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
