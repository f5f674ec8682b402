--[[
KEYS: 1 the account slot
ARGV: 1 account id
Result: { { row of an invitation the account made, … }, { row of one that is for its address or that it accepted, … } }
]]
--@include accounts/keys
--@include invitation_row

local account = ARGV[1]

local function rows(ids)
  local found, seen = {}, {}
  for _, id in ipairs(ids) do
    if not seen[id] then
      found[#found + 1] = invitation_row(id)
      seen[id] = true
    end
  end
  return found
end

local for_me = {}
local address = redis.call('HGET', account_key(account), 'folded_email')
if address and address ~= '' then
  for_me = redis.call('SMEMBERS', email_invitations_key(address))
end
for _, ids in ipairs(redis.call('HVALS', account_joined_key(account))) do
  for id in string.gmatch(ids, '%S+') do
    for_me[#for_me + 1] = id
  end
end
return { rows(redis.call('HVALS', account_invitations_key(account))), rows(for_me) }
