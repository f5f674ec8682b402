--[[
The tags that an account uses.
KEYS: 1 the account slot
ARGV: 1 account id
Result: { tag, … } in order, each once
]]
--@include accounts/keys

local tags = {}
for _, packed in ipairs(redis.call('ZRANGE', account_tags_key(ARGV[1]), 0, -1)) do
  local tag = string.match(packed, '^%S+')
  if tag ~= tags[#tags] then
    tags[#tags + 1] = tag
  end
end
return tags
