-- Ends everything that opens a space or hangs on it: for spaces that go.
--@include wake
--@include grant
--@include invitation
--@include tag

local function unshare_space(space_id)
  for _, group_id in ipairs(redis.call('HKEYS', space_grants_key(space_id))) do
    ungrant(space_id, group_id)
  end
  for _, id in ipairs(redis.call('SMEMBERS', space_invitations_key(space_id))) do
    remove_invitation(id)
  end
  for _, account in ipairs(redis.call('SMEMBERS', space_taggers_key(space_id))) do
    for _, tag in ipairs(redis.call('HKEYS', space_tags_key(space_id, account))) do
      clear_tag(account, space_id, tag)
    end
  end
  wake({ space_id })
end
