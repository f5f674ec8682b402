--[[
Accepts or declines the invitation to a group or an organisation.
KEYS: 1 the account slot
ARGV: 1 operation id, 2 seconds to keep its answer, 3 fingerprint
      4 account id, 5 kind, 6 owner, 7 name, 8 'yes' or 'no', 9 now (ms)
Result: 1
Errors: NOT_FOUND nobody invited this account to a group of that name, or it was taken back
]]
--@include accounts/keys
--@include accounts/once
--@include ungroup

local account, answer, now = ARGV[4], ARGV[8], ARGV[9]

local kept = recall()
if kept then
  return kept
end
local group = find_group(ARGV[5], ARGV[6], ARGV[7])
local role, state
if group then
  role, state = membership(group.id, account)
end
if state ~= 'i' then
  return refuse('NOT_FOUND')
end
if answer == 'yes' then
  set_membership(group.id, account, role, 'a', now)
else
  remove_membership(group.id, account)
end
return remember(1)
