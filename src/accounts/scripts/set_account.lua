--[[
KEYS: 1 the account slot
ARGV: 1 operation id, 2 seconds to keep its answer, 3 fingerprint
      4 account name, 5 now (ms)
      6… pairs of what to set: plan; spaces, public ('1' or '0'); email and folded_email (in lower case), always both;
         password (encoded, '' for none)
Result: account row
Errors: NOT_FOUND; EXISTS the e-mail address is another account's
]]
--@include keys
--@include once
--@include account_row
--@include profile
--@include email
--@include sharing/wake

local name, now = ARGV[4], ARGV[5]

local kept = recall()
if kept then
  return kept
end
local id = redis.call('HGET', NAMES, name)
if not id then
  return refuse('NOT_FOUND')
end
local values = {}
for i = 6, #ARGV, 2 do
  values[ARGV[i]] = ARGV[i + 1]
end
if values.email then
  local holder = redis.call('HGET', EMAILS, values.folded_email)
  if holder and holder ~= id then
    return refuse('EXISTS')
  end
end

if values.plan then
  redis.call('HSET', account_key(id), 'plan', values.plan)
end
if values.spaces then
  redis.call('HSET', account_key(id), 'spaces', values.spaces)
end
if values.public then
  set_public(id, values.public, now)
end
if values.email then
  release_email(id)
  claim_email(id, values.email, values.folded_email)
end
if values.password == '' then
  redis.call('HDEL', PASSWORDS, id)
elseif values.password then
  redis.call('HSET', PASSWORDS, id, values.password)
end
wake({ id, unpack(redis.call('HVALS', account_spaces_key(id))) })
return remember(account_row(id))
