--@allow-oom
--[[
The invitation is gone, and with it the access of who accepted it.
KEYS: 1 the account slot
ARGV: 1 operation id, 2 seconds to keep its answer, 3 fingerprint
      4 account id, 5 SHA-256 of the token in hex, 6 handle (the invitation's id) or ''
Result: id
Errors: NOT_FOUND; NOT_ALLOWED somebody else's
]]
--@include accounts/keys
--@include accounts/once
--@include owned_invitation

local kept = recall()
if kept then
  return kept
end
local id, refusal = owned_invitation(ARGV[4], ARGV[5], ARGV[6])
if not id then
  return refusal
end
remove_invitation(id)
return remember(id)
