-- What a group may do in a space: the row for people, and the two sets that `access` intersects, always together.

local function grant(space_id, group_id, created, letters)
  redis.call('HSET', space_grants_key(space_id), group_id, created .. ' ' .. letters)
  if group_id == 'public' then
    return
  end
  redis.call('SADD', group_shares_key(group_id), space_id)
  redis.call('SADD', space_readers_key(space_id), group_id)
  if string.find(letters, 'w', 1, true) then
    redis.call('SADD', space_writers_key(space_id), group_id)
  else
    redis.call('SREM', space_writers_key(space_id), group_id)
  end
end

local function ungrant(space_id, group_id)
  redis.call('HDEL', space_grants_key(space_id), group_id)
  redis.call('SREM', space_readers_key(space_id), group_id)
  redis.call('SREM', space_writers_key(space_id), group_id)
  redis.call('SREM', group_shares_key(group_id), space_id)
end
