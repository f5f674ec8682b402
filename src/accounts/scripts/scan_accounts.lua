--[[
One step through all accounts.
KEYS: 1 the account slot
ARGV: 1 cursor, '0' to begin; 2 about how many
Result: { next cursor ('0' at the end), { account row … } }
]]
--@include keys
--@include account_row

local step = redis.call('HSCAN', NAMES, ARGV[1], 'COUNT', ARGV[2])
local accounts = {}
for i = 2, #step[2], 2 do
  accounts[#accounts + 1] = account_row(step[2][i])
end
return { step[1], accounts }
