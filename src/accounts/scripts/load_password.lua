--[[
KEYS: 1 the account slot
ARGV: 1 account name
Result: { account row, encoded password }, or nil where there is no such account or it has no password
]]
--@include keys
--@include account_row

local id = redis.call('HGET', NAMES, ARGV[1])
local encoded = id and redis.call('HGET', PASSWORDS, id)
return encoded and { account_row(id), encoded }
