--[[
May an account change what is in a space?
KEYS: 1 the account slot
ARGV: 1 account id, 2 space id
Result: 1 yes / 0 no: no such account or space, no write access, or the early-access flag of either is off
]]
--@include accounts/keys
--@include visible_row

local account, id = ARGV[1], ARGV[2]
local row = redis.call('HGET', account_key(account), 'spaces') == '1' and visible_row(account, id)
return row and row[6] ~= 'r' and 1 or 0
