--[[
The spaces that an account tagged so: ids only, to be looked at in steps by describe_spaces, which checks.
KEYS: 1 the account slot
ARGV: 1 account id, 2 tag
Result: { space id, … }
]]
--@include accounts/keys

local tag = ARGV[2]

local ids = {}
for _, packed in ipairs(redis.call('ZRANGE', account_tags_key(ARGV[1]), '[' .. tag .. ' ', '(' .. tag .. '!', 'BYLEX')) do
  ids[#ids + 1] = string.sub(packed, #tag + 2)
end
return ids
