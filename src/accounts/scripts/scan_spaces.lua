--[[
One step through all spaces of all accounts.
KEYS: 1 the account slot
ARGV: 1 cursor, '0' to begin; 2 about how many
Result: { next cursor ('0' at the end), { id, state, created (ms), name, owner id, owner name or '', … } }
]]
--@include keys
--@include space_record

local step = redis.call('HSCAN', SPACES, ARGV[1], 'COUNT', ARGV[2])
local rows = {}
for i = 1, #step[2], 2 do
  local id = step[2][i]
  local space = read_space(id)
  local owner_name = redis.call('HGET', account_key(space.owner), 'name') or ''
  for _, value in ipairs({ id, space.state, space.created, space.name, space.owner, owner_name }) do
    rows[#rows + 1] = value
  end
end
return { step[1], rows }
