-- The invitation that its owner names by its token, or by its handle in listings: its id. Else the refusal.
--@include invitation

local function owned_invitation(account, hash, handle)
  local id = redis.call('HGET', INVITATIONS, hash) or handle
  local invitation = id ~= '' and read_invitation(id)
  if not invitation then
    return nil, refuse('NOT_FOUND')
  end
  if invitation.owner ~= account then
    return nil, refuse('NOT_ALLOWED')
  end
  return id
end
