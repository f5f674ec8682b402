--[[
A new token for an invitation; the old one is dead, and who accepted it keeps their access.
KEYS: 1 the account slot
ARGV: 1 operation id, 2 seconds to keep its answer, 3 fingerprint
      4 account id, 5 SHA-256 of the token in hex, 6 handle (the invitation's id) or '', 7 SHA-256 of the new token
Result: invitation row
Errors: NOT_FOUND; NOT_ALLOWED somebody else's
]]
--@include accounts/keys
--@include accounts/once
--@include owned_invitation
--@include invitation_row

local kept = recall()
if kept then
  return kept
end
local id, refusal = owned_invitation(ARGV[4], ARGV[5], ARGV[6])
if not id then
  return refusal
end
redis.call('HDEL', INVITATIONS, redis.call('HGET', invitation_key(id), 'token'))
redis.call('HSET', INVITATIONS, ARGV[7], id)
redis.call('HSET', invitation_key(id), 'token', ARGV[7])
return remember(invitation_row(id))
