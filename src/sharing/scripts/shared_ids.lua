--[[
The spaces of others that an account can see by its groups and by the invitations it accepted: ids only, to be looked at
in steps by describe_spaces, which checks.
KEYS: 1 the account slot
ARGV: 1 account id
Result: { space id, … }, each once
]]
--@include accounts/keys
--@include invitation

local account = ARGV[1]
local seen, ids = {}, {}
local function add(found)
  for _, id in ipairs(found) do
    if not seen[id] then
      seen[id] = true
      ids[#ids + 1] = id
    end
  end
end

for _, group_id in ipairs(redis.call('SMEMBERS', account_groups_key(account))) do
  add(redis.call('SMEMBERS', group_shares_key(group_id)))
end
for _, target in ipairs(redis.call('HKEYS', account_joined_key(account))) do
  add(invitation_spaces(target))
end
return ids
