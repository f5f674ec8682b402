--[[
Invites an account to a group in a role, or gives a member or invited account another role.
KEYS: 1 the account slot
ARGV: 1 operation id, 2 seconds to keep its answer, 3 fingerprint
      4 account id of who does it, '' for the operator, 5 kind, 6 owner, 7 name, 8 account name, 9 role (f, a, s, m),
      10 now (ms)
Result: 'invited', 'changed' or 'same'
Errors: NOT_FOUND group | account; NOT_ALLOWED lead (only founders and admins) | found (only founders, about founders)
        | last (the last founder stays founder)
]]
--@include accounts/keys
--@include accounts/once
--@include group

local by, name, role, now = ARGV[4], ARGV[8], ARGV[9], ARGV[10]

local kept = recall()
if kept then
  return kept
end
local group = find_group(ARGV[5], ARGV[6], ARGV[7])
local power = group and (by == '' and 'f' or authority(group, by))
if not group or not (power or membership(group.id, by)) then
  return refuse('NOT_FOUND', 'group')
end
if not leads(power) then
  return refuse('NOT_ALLOWED', 'lead')
end
local account = redis.call('HGET', NAMES, name)
if not account then
  return refuse('NOT_FOUND', 'account')
end
local present, state = membership(group.id, account)
if present == role then
  return remember('same')
end
if (role == 'f' or present == 'f') and power ~= 'f' then
  return refuse('NOT_ALLOWED', 'found')
end
if present == 'f' and state == 'a' and is_last_founder(group.id, account) then
  return refuse('NOT_ALLOWED', 'last')
end
set_membership(group.id, account, role, state or 'i', now)
return remember(present and 'changed' or 'invited')
