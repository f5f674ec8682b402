--@allow-oom
--[[
The group, its memberships and its shares go at once; with an organisation all of its groups.
KEYS: 1 the account slot
ARGV: 1 operation id, 2 seconds to keep its answer, 3 fingerprint
      4 account id, '' for the operator, 5 kind, 6 owner, 7 name
Result: id
Errors: NOT_FOUND, also for those who have nothing to do with it; NOT_ALLOWED only founders
]]
--@include accounts/keys
--@include accounts/once
--@include ungroup

local account, kind, owner, name = ARGV[4], ARGV[5], ARGV[6], ARGV[7]

local kept = recall()
if kept then
  return kept
end
local group = find_group(kind, owner, name)
if not group then
  return refuse('NOT_FOUND')
end
if account ~= '' then
  local role = authority(group, account)
  if not role and not membership(group.id, account) then
    return refuse('NOT_FOUND')
  end
  if role ~= 'f' then
    return refuse('NOT_ALLOWED')
  end
end
remove_group(group)
return remember(group.id)
