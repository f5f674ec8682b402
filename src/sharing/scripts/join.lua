--[[
Accepts an invitation: it stays with this account, whatever its token and the account's address become.
KEYS: 1 the account slot
ARGV: 1 operation id, 2 seconds to keep its answer, 3 fingerprint
      4 account id, 5 SHA-256 of the token in hex
Result: invitation row
Errors: FEATURE_NOT_AVAILABLE <plan>; INVALID_TOKEN unknown | expired | other (for another address) | own | joined | taken
]]
--@include accounts/keys
--@include accounts/once
--@include invitation_row

local account = ARGV[4]

local function objection(invitation, address)
  if not invitation then
    return 'unknown'
  elseif invitation.accepted == account then
    return 'joined'
  elseif invitation.owner == account then
    return 'own'
  elseif invitation.email ~= address then
    return 'other'
  elseif is_over(invitation.expires) then
    return 'expired'
  elseif invitation.accepted ~= '' then
    return 'taken'
  end
end

local kept = recall()
if kept then
  return kept
end
local plan, address = unpack(redis.call('HMGET', account_key(account), 'plan', 'folded_email'))
if plan == 'free' then
  return refuse('FEATURE_NOT_AVAILABLE', plan)
end
local id = redis.call('HGET', INVITATIONS, ARGV[5])
local invitation = id and read_invitation(id)
local reason = objection(invitation, address)
if reason then
  return refuse('INVALID_TOKEN', reason)
end

redis.call('HSET', invitation_key(id), 'accepted', account)
local joined = account_joined_key(account)
redis.call('HSET', joined, invitation.target, with_id(redis.call('HGET', joined, invitation.target), id))
return remember(invitation_row(id))
