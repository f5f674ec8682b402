--[[
KEYS: 1 the account slot
ARGV: 1 account name
Result: account row, or nil
]]
--@include keys
--@include account_row

local id = redis.call('HGET', NAMES, ARGV[1])
return id and account_row(id)
