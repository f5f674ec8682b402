--[[
KEYS: 1 the account slot
ARGV: 1 operation id, 2 seconds to keep its answer, 3 fingerprint
      4 account id, 5 kind, 6 owner, 7 name, 8 file, 9 now (ms), 10 text, absent to clear
Result: 1
Errors: NOT_FOUND; NOT_ALLOWED only founders and admins
]]
--@include accounts/keys
--@include accounts/once
--@include group

local account, file, now, text = ARGV[4], ARGV[8], ARGV[9], ARGV[10]

local kept = recall()
if kept then
  return kept
end
local group = find_group(ARGV[5], ARGV[6], ARGV[7])
local role = group and authority(group, account)
if not group or not (role or membership(group.id, account)) then
  return refuse('NOT_FOUND')
end
if not leads(role) then
  return refuse('NOT_ALLOWED')
end
if text then
  redis.call('HSET', group_profile_key(group.id), file, now .. ' ' .. text)
else
  redis.call('HDEL', group_profile_key(group.id), file)
end
return remember(1)
