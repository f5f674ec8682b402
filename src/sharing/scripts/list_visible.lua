--[[
The spaces of one owner that an account may see.
KEYS: 1 the account slot
ARGV: 1 account id, 2 name of the owner
Result: visible rows; none where there is no such owner
]]
--@include accounts/keys
--@include visible_row

local owner, rows = redis.call('HGET', NAMES, ARGV[2]), {}
for _, id in ipairs(owner and redis.call('HVALS', account_spaces_key(owner)) or {}) do
  append(rows, visible_row(ARGV[1], id))
end
return rows
