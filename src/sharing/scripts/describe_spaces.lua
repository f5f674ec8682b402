--[[
KEYS: 1 the account slot
ARGV: 1 account id, 2 a category ('=name') that the owner must have put on the space, or '', 3… space ids
Result: visible rows
]]
--@include accounts/keys
--@include visible_row

local account, category, rows = ARGV[1], ARGV[2], {}
for i = 3, #ARGV do
  local id = ARGV[i]
  local space = read_space(id)
  if category == '' or (space and redis.call('HEXISTS', space_tags_key(id, space.owner), category) == 1) then
    append(rows, visible_row(account, id))
  end
end
return rows
