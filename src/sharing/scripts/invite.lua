--[[
Invites an address to one of the caller's spaces, or to a tag on them. Which of the two is bound here, for good. The same
address to the same thing again is the same invitation: it gets the new token, permission and end.
KEYS: 1 the account slot
ARGV: 1 operation id, 2 seconds to keep its answer, 3 fingerprint
      4 account id, 5 space or tag, 6 e-mail, 7 the same in lower case, 8 permission (r, w), 9 new id,
      10 SHA-256 of the token in hex, 11 seconds until it ends, or ''
Result: invitation row
Errors: FEATURE_NOT_AVAILABLE <plan>; BAD_REQUEST tag (none of the caller's) | self
]]
--@include accounts/keys
--@include accounts/once
--@include accounts/now
--@include invitation
--@include invitation_row

local account, wanted, email, folded, permission = ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[8]
local new_id, token, seconds = ARGV[9], ARGV[10], ARGV[11]
local function ms(time)
  return string.format('%.0f', time)
end

local function find_target()
  local names = { wanted }
  if not string.find(wanted, '^[+=]') then
    local space_id = redis.call('HGET', account_spaces_key(account), wanted)
    local space = space_id and read_space(space_id)
    if space and space.state == 'ready' then
      return 's ' .. space_id, space_id
    end
    names = { '+' .. wanted, '=' .. wanted }
  end
  for _, tag in ipairs(names) do
    local target = 't ' .. account .. ' ' .. tag
    if #invitation_spaces(target) > 0 then
      return target
    end
  end
end

local kept = recall()
if kept then
  return kept
end
local plan, own_address = unpack(redis.call('HMGET', account_key(account), 'plan', 'folded_email'))
if plan == 'free' then
  return refuse('FEATURE_NOT_AVAILABLE', plan)
end
local target, space_id = find_target()
if not target then
  return refuse('BAD_REQUEST', 'tag')
end
if folded == own_address then
  return refuse('BAD_REQUEST', 'self')
end

local now = now_ms()
local expires = seconds == '' and '' or ms(now + seconds * 1000)
local invitations, field = account_invitations_key(account), target .. ' ' .. folded
local id = redis.call('HGET', invitations, field) or new_id
local key = invitation_key(id)
local old = redis.call('HGET', key, 'token')
if old then
  redis.call('HDEL', INVITATIONS, old)
else
  redis.call('HSET', invitations, field, id)
  redis.call('HSET', key, 'owner', account, 'target', target, 'folded_email', folded, 'created', ms(now), 'accepted', '')
  redis.call('SADD', email_invitations_key(folded), id)
  if space_id then
    redis.call('SADD', space_invitations_key(space_id), id)
  end
end
redis.call('HSET', key, 'tag', wanted, 'email', email, 'permission', permission, 'token', token, 'expires', expires)
redis.call('HSET', INVITATIONS, token, id)
wake(invitation_spaces(target))
return remember(invitation_row(id))
