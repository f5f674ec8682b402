--[[
KEYS: 1 the account slot
ARGV: 1 account id
Result: { account row, { file, modified (ms), text, file, … } }, or nil
]]
--@include keys
--@include account_row

local row = account_row(ARGV[1])
if not row then
  return nil
end
local packed = redis.call('HGETALL', account_profile_key(ARGV[1]))
local files = {}
for i = 1, #packed, 2 do
  local modified, text = string.match(packed[i + 1], '^(%S+) (.*)$')
  for _, value in ipairs({ packed[i], modified, text }) do
    files[#files + 1] = value
  end
end
return { row, files }
