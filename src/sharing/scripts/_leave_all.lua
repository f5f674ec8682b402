-- An account goes: its groups, memberships, invitations and tags go with it, and organisations in which nobody is left.
--@include ungroup
--@include invitation
--@include tag

local function has_members(group_id)
  for _, packed in ipairs(redis.call('HVALS', group_members_key(group_id))) do
    if string.sub(packed, 3, 3) == 'a' then
      return true
    end
  end
  return false
end

local function leave_all(account)
  for _, id in ipairs(redis.call('HVALS', group_names_key(account))) do
    remove_group(read_group(id))
  end
  for _, key in ipairs({ account_groups_key(account), account_invites_key(account) }) do
    for _, id in ipairs(redis.call('SMEMBERS', key)) do
      local group = read_group(id)
      if group then
        remove_membership(id, account)
        if group.kind ~= '~' and not has_members(id) then
          remove_group(group)
        end
      end
    end
  end
  for _, id in ipairs(redis.call('HVALS', account_invitations_key(account))) do
    remove_invitation(id)
  end
  for _, ids in ipairs(redis.call('HVALS', account_joined_key(account))) do
    for id in string.gmatch(ids, '%S+') do
      remove_invitation(id)
    end
  end
  for _, packed in ipairs(redis.call('ZRANGE', account_tags_key(account), 0, -1)) do
    local tag, space_id = string.match(packed, '^(%S+) (%S+)$')
    clear_tag(account, space_id, tag)
  end
end
