-- Ends memberships and groups, and with them the access they gave.
--@include wake
--@include grant
--@include group

local function remove_membership(group_id, account)
  redis.call('HDEL', group_members_key(group_id), account)
  redis.call('SREM', account_groups_key(account), group_id)
  redis.call('SREM', account_invites_key(account), group_id)
  wake(redis.call('SMEMBERS', group_shares_key(group_id)))
end

-- The shares with a group go with it: one made again under its name has another id and inherits none.
local function remove_group(group)
  if group.kind == '+' then
    for _, id in ipairs(redis.call('HVALS', group_names_key(group.id))) do
      remove_group(read_group(id))
    end
  end
  local spaces = redis.call('SMEMBERS', group_shares_key(group.id))
  for _, space_id in ipairs(spaces) do
    ungrant(space_id, group.id)
  end
  wake(spaces)
  for _, account in ipairs(redis.call('HKEYS', group_members_key(group.id))) do
    redis.call('SREM', account_groups_key(account), group.id)
    redis.call('SREM', account_invites_key(account), group.id)
  end
  redis.call('HDEL', group_names_key(group.scope), group.name)
  redis.call('DEL', group_key(group.id), group_members_key(group.id), group_profile_key(group.id))
end
