--[[
KEYS: 1 the account slot
ARGV: 1 account id of who asks, '' for the operator, 2 kind, 3 owner, 4 name
Result: { account name, role (f, a, s, m), 'a' accepted or 'i' invited, since (ms), … };
        nil where there is no such group, or who asks is not in it
]]
--@include accounts/keys
--@include group

local by = ARGV[1]

local group = find_group(ARGV[2], ARGV[3], ARGV[4])
if not group or (by ~= '' and not authority(group, by)) then
  return nil
end
local members = redis.call('HGETALL', group_members_key(group.id))
local rows = {}
for i = 1, #members, 2 do
  rows[#rows + 1] = redis.call('HGET', account_key(members[i]), 'name')
  for value in string.gmatch(members[i + 1], '%S+') do
    rows[#rows + 1] = value
  end
end
return rows
