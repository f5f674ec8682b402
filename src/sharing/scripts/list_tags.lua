--[[
An account's tags on a space, and the owner's categories.
KEYS: 1 the account slot
ARGV: 1 account id, 2 space id
Result: { tag, created (ms), … }; nil without access
]]
--@include accounts/keys
--@include accounts/space_record
--@include access

local account, space_id = ARGV[1], ARGV[2]

local space = read_space(space_id)
local letter = space and space.state == 'ready' and access(account, space.owner, space_id)
if not letter then
  return nil
end
local rows = redis.call('HGETALL', space_tags_key(space_id, account))
local owners = letter == 'o' and {} or redis.call('HGETALL', space_tags_key(space_id, space.owner))
for i = 1, #owners, 2 do
  if string.sub(owners[i], 1, 1) == '=' then
    rows[#rows + 1] = owners[i]
    rows[#rows + 1] = owners[i + 1]
  end
end
return rows
