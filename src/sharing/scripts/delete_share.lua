--@allow-oom
--[[
KEYS: 1 the account slot
ARGV: 1 operation id, 2 seconds to keep its answer, 3 fingerprint
      4 account id, 5 space id, 6 kind of the group or 'public', 7 owner, 8 name
Result: 1
Errors: NOT_FOUND space | share; NOT_ALLOWED only the owner
]]
--@include accounts/keys
--@include accounts/once
--@include accounts/space_record
--@include access
--@include grant
--@include group
--@include wake

local account, space_id, kind = ARGV[4], ARGV[5], ARGV[6]

local kept = recall()
if kept then
  return kept
end
local space = read_space(space_id)
local letter = space and space.state == 'ready' and access(account, space.owner, space_id)
if not letter then
  return refuse('NOT_FOUND', 'space')
end
if letter ~= 'o' then
  return refuse('NOT_ALLOWED')
end
local group = kind ~= 'public' and find_group(kind, ARGV[7], ARGV[8])
local group_id = kind == 'public' and 'public' or (group and group.id)
if not group_id or redis.call('HEXISTS', space_grants_key(space_id), group_id) == 0 then
  return refuse('NOT_FOUND', 'share')
end
ungrant(space_id, group_id)
wake({ space_id })
return remember(1)
