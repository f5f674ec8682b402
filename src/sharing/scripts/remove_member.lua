--@allow-oom
--[[
Leaves a group, removes somebody from it, or takes an invitation to it back. Who leaves an organisation leaves its groups.
KEYS: 1 the account slot
ARGV: 1 operation id, 2 seconds to keep its answer, 3 fingerprint
      4 account id of who does it, '' for the operator, 5 kind, 6 owner, 7 name, 8 account name,
      9 role it must have (f, a, s, m), '' for any
Result: 1
Errors: NOT_FOUND group | member; NOT_ALLOWED lead | found | last, as in set_role
]]
--@include accounts/keys
--@include accounts/once
--@include ungroup

local by, name, wanted = ARGV[4], ARGV[8], ARGV[9]

local kept = recall()
if kept then
  return kept
end
local group = find_group(ARGV[5], ARGV[6], ARGV[7])
local power = group and (by == '' and 'f' or authority(group, by))
if not group or not (power or membership(group.id, by)) then
  return refuse('NOT_FOUND', 'group')
end
local account = redis.call('HGET', NAMES, name)
if by ~= account and not leads(power) then
  return refuse('NOT_ALLOWED', 'lead')
end
local role, state
if account then
  role, state = membership(group.id, account)
end
if not role or (wanted ~= '' and role ~= wanted) then
  return refuse('NOT_FOUND', 'member')
end
if role == 'f' and by ~= account and power ~= 'f' then
  return refuse('NOT_ALLOWED', 'found')
end
if role == 'f' and state == 'a' and is_last_founder(group.id, account) then
  return refuse('NOT_ALLOWED', 'last')
end

remove_membership(group.id, account)
if group.kind == '+' then
  for _, id in ipairs(redis.call('HVALS', group_names_key(group.id))) do
    if membership(id, account) then
      remove_membership(id, account)
    end
  end
end
return remember(1)
