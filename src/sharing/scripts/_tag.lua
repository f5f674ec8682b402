-- A tag of an account on a space: the space's view and the account's view say the same thing.

local function set_tag(account, space_id, tag, created)
  redis.call('HSET', space_tags_key(space_id, account), tag, created)
  redis.call('SADD', space_taggers_key(space_id), account)
  redis.call('ZADD', account_tags_key(account), 0, tag .. ' ' .. space_id)
end

local function clear_tag(account, space_id, tag)
  local tags = space_tags_key(space_id, account)
  redis.call('HDEL', tags, tag)
  redis.call('ZREM', account_tags_key(account), tag .. ' ' .. space_id)
  if redis.call('EXISTS', tags) == 0 then
    redis.call('SREM', space_taggers_key(space_id), account)
  end
end
