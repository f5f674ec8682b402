--[[
Shares a space with a group, or with the public; or changes the letters.
KEYS: 1 the account slot
ARGV: 1 operation id, 2 seconds to keep its answer, 3 fingerprint
      4 account id, 5 space id, 6 kind of the group or 'public', 7 owner, 8 name, 9 letters as they were put,
      10 the same in order, 'r' always, 11 now (ms)
Result: 'created', 'changed' or 'same'
Errors: NOT_FOUND space | group; NOT_ALLOWED owner (only the owner shares) | member (of the group) | public (account)
]]
--@include accounts/keys
--@include accounts/once
--@include accounts/space_record
--@include access
--@include grant
--@include group
--@include wake

local account, space_id, kind, letters, wanted, now = ARGV[4], ARGV[5], ARGV[6], ARGV[9], ARGV[10], ARGV[11]

-- Letters in one order, so that 'wr' and 'rw' are the same.
local function ordered(put)
  local has = function(letter)
    return string.find(put, letter, 1, true) and letter or ''
  end
  return 'r' .. has('w') .. has('d')
end

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
  return refuse('NOT_ALLOWED', 'owner')
end
local group_id = 'public'
if kind == 'public' then
  if redis.call('HGET', account_key(account), 'public') ~= '1' then
    return refuse('NOT_ALLOWED', 'public')
  end
else
  local group = find_group(kind, ARGV[7], ARGV[8])
  if not group then
    return refuse('NOT_FOUND', 'group')
  end
  if not role_in(group.id, account) then
    return refuse('NOT_ALLOWED', 'member')
  end
  group_id = group.id
end

local present = redis.call('HGET', space_grants_key(space_id), group_id)
local created, put = string.match(present or '', '^(%S+) (%S+)$')
if put and ordered(put) == wanted then
  return remember('same')
end
grant(space_id, group_id, created or now, letters)
wake({ space_id })
return remember(present and 'changed' or 'created')
