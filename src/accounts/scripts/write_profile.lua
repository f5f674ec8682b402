--[[
KEYS: 1 the account slot
ARGV: 1 operation id, 2 seconds to keep its answer, 3 fingerprint
      4 account id, 5 file, 6 now (ms), 7 text, absent to clear; of `public`: yes or no
Result: 1
Errors: NOT_FOUND no such account
]]
--@include keys
--@include once
--@include profile

local account, file, now, text = ARGV[4], ARGV[5], ARGV[6], ARGV[7]

local kept = recall()
if kept then
  return kept
end
if redis.call('EXISTS', account_key(account)) == 0 then
  return refuse('NOT_FOUND')
end
if file == 'public' then
  set_public(account, text == 'yes' and '1' or '0', now)
elseif text then
  redis.call('HSET', account_profile_key(account), file, now .. ' ' .. text)
end
if not text then
  redis.call('HDEL', account_profile_key(account), file)
end
return remember(1)
