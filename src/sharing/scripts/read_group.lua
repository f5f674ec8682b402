--[[
KEYS: 1 the account slot
ARGV: 1 account id, '' for the operator, 2 kind, 3 owner, 4 name
Result: { id, created (ms), as what the account may act there ('' not at all), 'a' accepted or 'i' invited or '',
        { profile file, modified (ms), text, … } }; nil where there is none, or the account has nothing to do with it
]]
--@include accounts/keys
--@include group

local account = ARGV[1]

local group = find_group(ARGV[2], ARGV[3], ARGV[4])
if not group then
  return nil
end
local role = account == '' and 'f' or authority(group, account)
local _, state = membership(group.id, account)
if not role and not state then
  return nil
end
local packed = redis.call('HGETALL', group_profile_key(group.id))
local files = {}
for i = 1, #packed, 2 do
  local modified, text = string.match(packed[i + 1], '^(%S+) (.*)$')
  for _, value in ipairs({ packed[i], modified, text }) do
    files[#files + 1] = value
  end
end
return { group.id, read_group(group.id).created, role or '', state or '', files }
