--[[
KEYS: 1 the account slot
ARGV: 1 account id
Result: { { row of an invitation the account made, … }, { row of one that is for its address or that it accepted, … } };
        the latter without those of owners whose early-access flag is off
]]
--@include accounts/keys
--@include invitation_row

local account = ARGV[1]

local function is_hidden(id)
  local owner = redis.call('HGET', invitation_key(id), 'owner')
  return owner and redis.call('HGET', account_key(owner), 'spaces') ~= '1'
end

local function rows(ids, received)
  local found, seen = {}, {}
  for _, id in ipairs(ids) do
    if not seen[id] and not (received and is_hidden(id)) then
      found[#found + 1] = invitation_row(id, received)
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
return { rows(redis.call('HVALS', account_invitations_key(account))), rows(for_me, true) }
