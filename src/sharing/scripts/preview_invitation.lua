--[[
KEYS: 1 the account slot
ARGV: 1 SHA-256 of the token in hex
Result: invitation row; nil where the token opens nothing; 'expired'
]]
--@include accounts/keys
--@include invitation_row

local id = redis.call('HGET', INVITATIONS, ARGV[1])
if not id then
  return nil
end
if is_over(read_invitation(id).expires) then
  return 'expired'
end
return invitation_row(id)
