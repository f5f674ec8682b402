--[[
KEYS: 1 the account slot
ARGV: 1 account id
Result: { id, name, shortname, created (ms), id, … } of the spaces that are ready
]]
--@include keys
--@include space_record

local rows = {}
for _, id in ipairs(redis.call('HVALS', account_spaces_key(ARGV[1]))) do
  local space = read_space(id)
  if space.state == 'ready' then
    for _, value in ipairs({ id, space.name, space.shortname, space.created }) do
      rows[#rows + 1] = value
    end
  end
end
return rows
