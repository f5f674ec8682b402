--[[
KEYS: 1 the account slot
ARGV: 1 account id
Result: { name, id, created (ms), description, name, … }
]]
--@include keys

local packed = redis.call('HGETALL', account_tokens_key(ARGV[1]))
local rows = {}
for i = 1, #packed, 2 do
  local id, created, description = string.match(packed[i + 1], '^(%S+) (%S+) %S+ (.*)$')
  for _, value in ipairs({ packed[i], id, created, description }) do
    rows[#rows + 1] = value
  end
end
return rows
