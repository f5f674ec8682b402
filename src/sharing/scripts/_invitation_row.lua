-- An invitation as `decodeInvitation` in invitations.ts reads it, or false: { id, tag, permission, owner's name, e-mail,
-- name of the account that accepted it or '', created (ms), expires (ms or '') }
-- `received`: for whom it was made. When it is over they know the space by the name it had then, not by that of today.
--@include invitation

local function invitation_row(id, received)
  local fields = redis.call('HMGET', invitation_key(id), 'owner', 'target', 'tag', 'email', 'permission', 'accepted',
    'created', 'expires')
  local owner, target, tag, email, permission, accepted, created, expires = unpack(fields)
  if not owner then
    return false
  end
  local owner_name = redis.call('HGET', account_key(owner), 'name')
  local accepted_by = accepted ~= '' and redis.call('HGET', account_key(accepted), 'name') or ''
  local shown = received and is_over(expires) and tag or invitation_tag(target, tag)
  return { id, shown, permission, owner_name, email, accepted_by, created, expires }
end
