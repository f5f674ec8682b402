--[[
One step through the spaces that are shared with a group.
KEYS: 1 the account slot
ARGV: 1 account id, 2 kind, 3 owner, 4 name, 5 cursor, '0' to begin, 6 about how many
Result: { next cursor ('0' at the end), { space id, sharer's name, space name, letters as put, shared (ms), … } };
        nil where there is no such group, or the account is not in it
]]
--@include accounts/keys
--@include accounts/space_record
--@include group

local account = ARGV[1]

local group = find_group(ARGV[2], ARGV[3], ARGV[4])
if not group or not role_in(group.id, account) then
  return nil
end
local step = redis.call('SSCAN', group_shares_key(group.id), ARGV[5], 'COUNT', ARGV[6])
local rows = {}
for _, id in ipairs(step[2]) do
  local space = read_space(id)
  local sharer, flag = unpack(redis.call('HMGET', account_key(space.owner), 'name', 'spaces'))
  local shared, letters = string.match(redis.call('HGET', space_grants_key(id), group.id), '^(%S+) (%S+)$')
  if flag == '1' then
    for _, value in ipairs({ id, sharer, space.name, letters, shared }) do
      rows[#rows + 1] = value
    end
  end
end
return { step[1], rows }
